// Command leaderboard runs the example of this folder whole: a race of 1,000 racers on an embedded Kinesis server, and the
// job that keeps places and results in a DynamoDB of this machine. Then it compares the tables with what the reports say.
//
//	go run ./examples/leaderboard -dynamodb http://127.0.0.1:8000 -seconds 30
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/examples/rig"
	"weir/internal/session"
)

func main() {
	r := race{out: os.Stdout}
	flag.StringVar(&r.folder, "folder", "examples/leaderboard", "this example's folder")
	flag.StringVar(&r.dynamodb, "dynamodb", "http://127.0.0.1:8000", "DynamoDB Local, or moto_server")
	flag.IntVar(&r.seconds, "seconds", 20, "how long the race takes, at 1,000 reports a second")
	flag.IntVar(&r.window, "window", 5, "seconds between two leaderboards")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "leaderboard:", err)
		os.Exit(1)
	}
}

type race struct {
	folder, dynamodb string
	seconds, window  int
	rate             int // reports a second; 0: 1,000
	out              io.Writer
}

// place is a row of a leaderboard, and a racer's result.
type place struct {
	race, place, racer int64
	output             float64
}

// patience is how long the tables may take behind the last report: the last window ends 5 s behind it, by the clock.
const patience = 30 * time.Second

func (r *race) run(ctx context.Context) error {
	for table, sort := range map[string]string{"race-places": "place", "race-results": "racer"} {
		if err := r.table(ctx, table, sort); err != nil {
			return err
		}
	}
	g, err := rig.Open(r.out)
	if err != nil {
		return err
	}
	defer g.Close()
	if err := g.Streams(ctx, 2, "race"); err != nil {
		return err
	}
	rate := r.rate
	if rate == 0 {
		rate = 1000
	}
	vars := map[string]string{"DYNAMODB": r.dynamodb, "WINDOW": strconv.Itoa(r.window), "REPORTS": strconv.Itoa(r.seconds * 1000), "RATE": strconv.Itoa(rate)}
	jobs, err := g.Start(ctx, filepath.Join(r.folder, "leaderboard.sql"), vars)
	if err != nil {
		return err
	}
	// The tables of the race have the names of the job's, so it is a session of its own.
	racing, err := g.Another()
	if err != nil {
		return err
	}
	defer racing.Close()
	began := time.Now()
	if err := racing.Run(ctx, filepath.Join(r.folder, "race.sql"), vars); err != nil {
		return err
	}
	took := time.Since(began)
	places, results, err := r.expected(ctx, g)
	if err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		if err = errors.Join(r.compare(ctx, "race-places", places), r.compare(ctx, "race-results", results)); err == nil || time.Now().After(end) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		state, why := jobs[0].State()
		return fmt.Errorf("%w (the job is %s, %v)", err, state, why)
	}
	total := session.Sum(jobs[0].Stats())
	fmt.Fprintf(r.out, "%d reports in %.1f s; the job read %d, and %d rows went to its tables\n", r.seconds*1000, took.Seconds(), total.Read, total.Given)
	fmt.Fprintf(r.out, "race-places and race-results are what the reports say: %d places, %d results\n", len(places), len(results))
	for _, p := range slices.SortedFunc(maps.Values(places), func(a, b place) int { return int(a.race*100 + a.place - b.race*100 - b.place) }) {
		if p.place <= 3 {
			fmt.Fprintf(r.out, "race %d, place %d: racer %d with %v\n", p.race, p.place, p.racer, p.output)
		}
	}
	return nil
}

// expected reads all reports, and computes what the tables must have: the ten best of each race's last window, and each racer's
// last result, by (race, place) and (race, racer).
func (r *race) expected(ctx context.Context, g *rig.Rig) (places, results map[[2]int64]place, err error) {
	last := map[[2]int64]int64{}
	results = map[[2]int64]place{}
	best := map[int64]map[[2]int64]float64{} // window, then (race, racer)
	n := 0
	var bad error
	err = g.Tail(ctx, "race", func(a *rig.Arrived) bool {
		if a == nil {
			return n == r.seconds*1000
		}
		var x struct {
			RaceID, RacerID, DeviceTimestamp int64
			Cadence, Resistance              float64
		}
		if bad = json.Unmarshal(a.Data, &x); bad != nil {
			return true
		}
		n++
		output := math.Round((x.Cadence+35)*(x.Resistance+65)) / 100
		key := [2]int64{x.RaceID, x.RacerID}
		if x.DeviceTimestamp >= last[key] {
			last[key], results[key] = x.DeviceTimestamp, place{x.RaceID, 0, x.RacerID, output}
		}
		w := x.DeviceTimestamp / int64(r.window*1000)
		if best[w] == nil {
			best[w] = map[[2]int64]float64{}
		}
		best[w][key] = max(best[w][key], output)
		return false
	})
	places = map[[2]int64]place{}
	for _, w := range slices.Sorted(maps.Keys(best)) {
		byRace := map[int64][]place{}
		for key, output := range best[w] {
			byRace[key[0]] = append(byRace[key[0]], place{key[0], 0, key[1], output})
		}
		for id, list := range byRace {
			slices.SortFunc(list, func(a, b place) int {
				if a.output != b.output {
					return int(math.Copysign(1, b.output-a.output))
				}
				return int(a.racer - b.racer)
			})
			for i, p := range list[:min(10, len(list))] {
				p.place = int64(i + 1)
				places[[2]int64{id, p.place}] = p
			}
		}
	}
	return places, results, errors.Join(err, bad)
}

// table makes a table of the key (race, sort), or empties it.
func (r *race) table(ctx context.Context, name, sort string) error {
	_ = r.call(ctx, "DeleteTable", map[string]any{"TableName": name}, nil) // it may not be there
	attribute := func(n string) map[string]string { return map[string]string{"AttributeName": n, "AttributeType": "N"} }
	return r.call(ctx, "CreateTable", map[string]any{"TableName": name, "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []any{attribute("race"), attribute(sort)},
		"KeySchema":            []any{map[string]string{"AttributeName": "race", "KeyType": "HASH"}, map[string]string{"AttributeName": sort, "KeyType": "RANGE"}}}, nil)
}

// compare reads a table and tells how it differs.
func (r *race) compare(ctx context.Context, table string, want map[[2]int64]place) error {
	got := map[[2]int64]place{}
	for from := map[string]any(nil); ; {
		in := map[string]any{"TableName": table}
		if from != nil {
			in["ExclusiveStartKey"] = from
		}
		var page struct {
			Items            []map[string]struct{ N, S string }
			LastEvaluatedKey map[string]any
		}
		if err := r.call(ctx, "Scan", in, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			number := func(name string) float64 {
				v, _ := strconv.ParseFloat(item[name].N, 64) // not there: 0
				return v
			}
			p := place{int64(number("race")), int64(number("place")), int64(number("racer")), number("output")}
			key := [2]int64{p.race, p.place}
			if p.place == 0 {
				key[1] = p.racer
			}
			got[key] = p
		}
		if from = page.LastEvaluatedKey; len(from) == 0 {
			break
		}
	}
	for key, w := range want {
		if g := got[key]; g.racer != w.racer || math.Abs(g.output-w.output) > 0.011 {
			return fmt.Errorf("%s: %v is %+v, not %+v", table, key, g, w)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%s has %d items, not %d", table, len(got), len(want))
	}
	return nil
}

// call asks DynamoDB on this machine, which wants a signature and does not check it.
func (r *race) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.dynamodb, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/x-amz-json-1.0")
	q.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	q.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none")
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return fmt.Errorf("no DynamoDB at %s: start DynamoDB Local, or moto_server, and name it with -dynamodb (%w)", r.dynamodb, err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", operation, a.Status, strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
