package exec

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

var askColumns = types.Schema{{Name: "id", Type: types.BigIntType}}

// answering is a Lookup whose key n has the rows 10n and 10n+1, none where n is odd before the attempt odd.
type answering struct {
	calls atomic.Int32
	fails int32 // calls at first that fail
	err   error
	odd   int32
	wait  bool // until ctx ends
}

func (l *answering) MaxKeys() int { return 10 }
func (l *answering) Close() error { return nil }

func (l *answering) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	n := l.calls.Add(1)
	if l.wait {
		<-ctx.Done()
		return nil, nil, ctx.Err()
	}
	if n <= l.fails {
		return nil, nil, l.err
	}
	var rows []int64
	var of []int32
	for i, k := range vec.Values[int64](keys.Col(0)) {
		if k%2 == 1 && n < l.odd {
			continue
		}
		rows, of = append(rows, 10*k, 10*k+1), append(of, int32(i), int32(i))
	}
	return vec.New(askColumns.Arrow(), oneColumn(rows), len(rows), nil), of, nil
}

func askWith(l connectors.Lookup, how planner.LookupAsk, keys ...int64) (string, error) {
	if how.Timeout == 0 {
		how.Timeout = time.Minute
	}
	how.Attempts = max(how.Attempts, 1)
	k := &asker{name: "t", how: how, scan: &planner.Scan{Base: &planner.Base{Out: askColumns}, Columns: askColumns}, lookup: l, raw: askColumns, pause: connectors.Sleep}
	b, err := k.Ask(context.Background(), vec.New(askColumns.Arrow(), oneColumn(keys), len(keys), nil))
	if err != nil {
		return "", err
	}
	var out []string
	for i, of := range vec.Values[int64](b.Col(0)) {
		out = append(out, itoa(of)+":"+itoa(vec.Values[int64](b.Col(1))[i]))
	}
	return strings.Join(out, " "), nil
}

func TestAsk(t *testing.T) {
	busy, wrong := connectors.Retryable(errors.New("too busy")), errors.New("no such table")
	for _, c := range []struct {
		name  string
		l     *answering
		how   planner.LookupAsk
		want  string
		fails string
		calls int32
	}{
		{"answers", &answering{}, planner.LookupAsk{}, "0:10 0:11 1:20 1:21 2:30 2:31", "", 1},
		{"without rows", &answering{odd: 9}, planner.LookupAsk{}, "1:20 1:21", "", 1},
		{"asked again for what is missing", &answering{odd: 3}, planner.LookupAsk{MissAttempts: 5, MissDelay: time.Millisecond}, "0:10 0:11 1:20 1:21 2:30 2:31", "", 3},
		{"misses bounded", &answering{odd: 99}, planner.LookupAsk{MissAttempts: 4, MissDelay: time.Millisecond}, "1:20 1:21", "", 4},
		{"fails in passing", &answering{fails: 2, err: busy}, planner.LookupAsk{Attempts: 3}, "0:10 0:11 1:20 1:21 2:30 2:31", "", 3},
		{"fails too often", &answering{fails: 9, err: busy}, planner.LookupAsk{Attempts: 3}, "", `lookup table "t": too busy (after 3 attempts)`, 3},
		{"fails for good", &answering{fails: 9, err: wrong}, planner.LookupAsk{Attempts: 3}, "", `lookup table "t": no such table`, 1},
		{"hangs", &answering{wait: true}, planner.LookupAsk{Timeout: 20 * time.Millisecond, Attempts: 3}, "", `lookup table "t": no answer within 20ms (table.exec.async-lookup.timeout): context deadline exceeded`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := askWith(c.l, c.how, 1, 2, 3)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if got != c.want || text != c.fails || c.l.calls.Load() != c.calls {
				t.Errorf("got %q, error %q, %d calls; want %q, %q, %d", got, text, c.l.calls.Load(), c.want, c.fails, c.calls)
			}
		})
	}
}

func oneColumn(values []int64) []arrow.Array { return []arrow.Array{vec.Int64s(values, nil)} }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
