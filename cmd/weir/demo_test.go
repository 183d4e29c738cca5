package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/internal/session"
	"weir/sql/vec"
)

// screen is what the demo prints.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestDemo runs the demo for half a minute: each window lands within a second of the reading that carries the
// watermark past its end, and holds what a second look at the input gives.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	out := new(screen)
	d := &demo{addr: "127.0.0.1:0", data: t.TempDir(), rate: 50, out: out}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	select {
	case err := <-ended:
		t.Fatalf("the demo ended by itself: %v\n%s", err, out)
	case <-time.After(28 * time.Second):
	}
	url, err := d.s.LocalKinesis(ctx)
	if err != nil {
		t.Fatal(err)
	}
	api := sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("x", "x", "")})
	landed := windowsOf(t, api)
	if len(landed) < 2 {
		t.Fatalf("%d windows landed:\n%s", len(landed), out)
	}
	if first := landed[0].at.Sub(began); first > 17*time.Second {
		t.Errorf("the first window landed after %s", first)
	}
	inTime(t, landed, recordsOf(t, api, "my-input-stream"))
	sameAgain(t, url, landed)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for text, times := range map[string]int{"waits for the watermark, now at": -1, "warning:": 1, "The streams are kept in": 1, "expect its rows at": 1} {
		if n := strings.Count(out.String(), text); n != times && !(times < 0 && n > 0) {
			t.Errorf("%q is said %d times:\n%s", text, n, out)
		}
	}
}

func recordsOf(t *testing.T, api *sdk.Client, stream string) (out []ktypes.Record) {
	t.Helper()
	it, err := api.GetShardIterator(context.Background(), &sdk.GetShardIteratorInput{StreamName: &stream, ShardId: aws.String("shardId-000000000000"), ShardIteratorType: "TRIM_HORIZON"})
	for err == nil {
		var page *sdk.GetRecordsOutput
		if page, err = api.GetRecords(context.Background(), &sdk.GetRecordsInput{ShardIterator: it.ShardIterator}); err != nil {
			break
		}
		out = append(out, page.Records...)
		if len(page.Records) == 0 {
			return out
		}
		it.ShardIterator = page.NextShardIterator
	}
	t.Fatal(err)
	return nil
}

// window is a row of the output stream.
type window struct {
	Status string    `json:"status"`
	Num    int       `json:"num"`
	Avg    float64   `json:"avg_current_temperature"`
	Hop    string    `json:"hop_time"`
	at     time.Time // when it arrived
}

const stamp = "2006-01-02T15:04:05.999999999"

func windowsOf(t *testing.T, api *sdk.Client) (out []window) {
	t.Helper()
	for _, r := range recordsOf(t, api, "my-output-stream") {
		w := window{at: *r.ApproximateArrivalTimestamp}
		if err := json.Unmarshal(r.Data, &w); err != nil {
			t.Fatal(err)
		}
		out = append(out, w)
	}
	return out
}

// inTime checks that windows land soon after the reading that makes them final.
func inTime(t *testing.T, landed []window, readings []ktypes.Record) {
	t.Helper()
	worst := time.Duration(0)
	for _, w := range landed {
		end, err := time.Parse(stamp, w.Hop)
		if err != nil {
			t.Fatal(err)
		}
		final := time.Time{}
		for _, r := range readings {
			var v struct {
				EventTime string `json:"event_time"`
			}
			if err := json.Unmarshal(r.Data, &v); err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(stamp, v.EventTime)
			if err != nil {
				t.Fatal(err)
			}
			if !at.Add(-5 * time.Second).Truncate(time.Millisecond).Before(end) {
				final = *r.ApproximateArrivalTimestamp
				break
			}
		}
		if late := w.at.Sub(final); final.IsZero() || late < 0 || late > time.Second {
			t.Errorf("window %s landed %s after the reading that makes it final (%s)", w.Hop, late, final)
		} else {
			worst = max(worst, late)
		}
	}
	t.Logf("%d rows of windows; the latest landed after %s", len(landed), worst)
}

// sameAgain computes the windows once more, from all of the input.
func sameAgain(t *testing.T, url string, landed []window) {
	t.Helper()
	s, err := session.Open(session.Options{DataDir: t.TempDir(), Ephemeral: true, Endpoint: url})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	create, _, _ := strings.Cut(demoSQL, ";")
	create = strings.Replace(create, "'LATEST'", "'TRIM_HORIZON', 'scan.bounded.mode' = 'latest'", 1)
	query := demoSQL[strings.Index(demoSQL, "SELECT sensor_data.status"):]
	query, _, _ = strings.Cut(query, ";")
	again := map[string]string{}
	for _, text := range []string{create, query} {
		st, err := session.ParseOne(text)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Execute(context.Background(), text, st)
		if err != nil {
			t.Fatal(err)
		}
		if res.Kind != session.Rows {
			continue
		}
		run, err := res.Stream(context.Background(), func(b *vec.Batch) error {
			for i := range b.Len() {
				hop := strings.TrimSuffix(strings.Replace(b.Col(3).ValueStr(i), " ", "T", 1), "Z")
				again[b.Col(0).ValueStr(i)+" "+hop] = fmt.Sprint(b.Col(1).ValueStr(i), " ", b.Col(2).ValueStr(i))
			}
			return nil
		})
		if err == nil {
			err = run.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range landed {
		var num int
		var avg float64
		if _, err := fmt.Sscan(again[w.Status+" "+w.Hop], &num, &avg); err != nil || num != w.Num || math.Abs(avg-w.Avg) > 1e-9*avg {
			t.Errorf("%s at %s: %d readings of %v on average landed; again: %q", w.Status, w.Hop, w.Num, w.Avg, again[w.Status+" "+w.Hop])
		}
	}
}
