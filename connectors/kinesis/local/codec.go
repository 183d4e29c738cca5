package local

import (
	"fmt"
	"math"
	"time"
)

// codec is one wire format of request and response bodies.
type codec interface {
	contentType() string
	decode(body []byte, into any) error
	encode(value any) ([]byte, error)
}

// codecFor picks the codec of a Content-Type; nil when the API has none such.
func codecFor(contentType string) codec {
	switch contentType {
	case jsonContentType, "application/x-amz-json-1.0", "application/json":
		return jsonCodec{}
	case cborContentType:
		return cborCodec{}
	}
	return nil
}

// timestamp is a point in time in microseconds since the epoch. The server itself works in milliseconds;
// requests may be finer, and rounding them down would return a record from before the asked time.
type timestamp int64

func timestampOfMillis(ms int64) timestamp { return timestamp(ms * 1000) }

// millisUp is the first whole millisecond not before t.
func (t timestamp) millisUp() int64 {
	ms := int64(t) / 1000
	if int64(t)%1000 > 0 {
		ms++
	}
	return ms
}

// timestampOfSeconds refuses what is no time at all, so that later arithmetic cannot overflow.
func timestampOfSeconds(seconds float64) (timestamp, error) {
	if math.IsNaN(seconds) || math.Abs(seconds) > 1e11 {
		return 0, fmt.Errorf("%v is not a timestamp in seconds since the epoch", seconds)
	}
	return timestamp(math.Round(seconds * 1e6)), nil
}

// millisOf is t as the server counts time.
func millisOf(t time.Time) int64 { return t.UnixMilli() }
