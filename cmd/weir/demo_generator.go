package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"weir/connectors/kinesis"
)

// reading is one record of the demo's sensors: what the article's random_data_generator.py makes.
func reading(r *rand.Rand, now time.Time) (key string, data []byte) {
	temperature := math.Round((10+r.Float64()*170)*100) / 100
	status := "OK"
	if temperature > 160 {
		status = "ERROR"
	} else if temperature > 140 || 1+r.IntN(99) > 80 {
		status = []string{"WARNING", "ERROR"}[r.IntN(2)]
	}
	key = strconv.Itoa(1 + r.IntN(99))
	data = fmt.Appendf(nil, `{"sensor_id": %s, "current_temperature": %s, "status": "%s", "event_time": "%s"}`,
		key, strconv.FormatFloat(temperature, 'f', -1, 64), status, now.Format("2006-01-02T15:04:05.000000"))
	return key, data
}

// generate sends readings at the rate until the context ends or the time is up. sent counts them.
func generate(ctx context.Context, admin *kinesis.Admin, stream string, rate float64, sent *atomic.Int64) error {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	tick := time.NewTicker(max(time.Duration(float64(time.Second)/rate), 2*time.Millisecond))
	defer tick.Stop()
	began, n := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		due := int(time.Since(began).Seconds() * rate)
		if late := due - n; late > int(rate)+1 { // the machine is too slow for the rate: what was not sent is not made up for
			n = due - 1
		}
		for ; n < due && ctx.Err() == nil; n++ {
			key, data := reading(r, time.Now())
			// What has begun is sent to its end, so that the count is true.
			if err := admin.Put(context.WithoutCancel(ctx), stream, key, data); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			sent.Add(1)
		}
	}
}
