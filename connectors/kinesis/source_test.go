package kinesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"weir/connectors"
	"weir/connectors/kinesis/local"
)

type vecArray = arrow.Array

var noLog = slog.New(slog.DiscardHandler)

func TestPositions(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.send("s", "k=a", "k=b")
	latest := r.source()
	at := r.positions(latest)[0]
	horizon := r.source("source.init.position=TRIM_HORIZON")
	second := r.want(r.opened(horizon), "a b")
	time.Sleep(20 * time.Millisecond)
	middle := time.Now()
	time.Sleep(20 * time.Millisecond)
	r.send("s", "k=c", "k=d")
	r.want(r.shardAt(latest, 0, at), "c d")
	r.want(r.shardAt(horizon, 0, second), "c d")
	first := r.want(r.opened(r.source("scan.stream.initpos=TRIM_HORIZON", "source.shard.get-records.max-record-count=1")), "a")
	r.want(r.shardAt(r.source(), 0, first), "b c d")
	stamp := middle.UTC().Format("2006-01-02T15:04:05.000Z")
	r.want(r.opened(r.source("source.init.position=AT_TIMESTAMP", "source.init.timestamp="+stamp)), "c d")

	// A position that is held for so long that its iterator has expired is found again by its time.
	old, err := decodeOffset(at)
	if err != nil || old.Iterator == "" || old.At == 0 || old.At > time.Now().UnixMilli() {
		t.Fatalf("LATEST is held as %+v, %v", old, err)
	}
	old.Held -= (5 * time.Minute).Milliseconds()
	old.At = middle.UnixMilli()
	r.want(r.shardAt(latest, 0, old.encode()), "c d")
	if _, err := latest.Read(context.Background(), connectors.Split{}, connectors.Offset("rubbish")); err == nil {
		t.Error("a damaged offset is taken")
	}
}

func TestInitTimestamp(t *testing.T) {
	f := func(want, text, format, zone string) {
		t.Helper()
		opts := []string{"stream=s", "source.init.position=AT_TIMESTAMP", "scan.stream.initpos-timestamp=" + text}
		if format != "" {
			opts = append(opts, "scan.stream.initpos-timestamp-format="+format)
		}
		c := configure(t, opts...)
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		err = c.check(loc)
		got := c.from.UTC().Format("2006-01-02T15:04:05.999Z07:00")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q as %q in %s: %s, want %s", text, format, zone, got, want)
		}
	}
	f("2021-05-19T11:20:00.5Z", "2021-05-19T11:20:00.500Z", "", "UTC")
	f("2021-05-19T11:20:00Z", "2021-05-19T13:20:00.000+02:00", "", "UTC")
	f("2021-05-19T11:20:00Z", "2021-05-19T11:20:00", "", "UTC")
	f("2021-05-19T11:20:00Z", "2021-05-19 11:20:00", "", "UTC")
	f("2021-05-19T11:20:00Z", "1621423200", "", "UTC")
	f("2021-05-19T11:20:00.5Z", "1621423200.5", "", "UTC")
	f("2021-05-19T11:20:00.5Z", "1621423200500", "", "UTC")
	f("2021-05-19T00:00:00Z", "2021-05-19", "", "UTC")
	f("2021-05-19T11:20:00Z", "19.05.2021 13:20", "dd.MM.yyyy HH:mm", "Europe/Berlin")
	f("2021-05-19T11:20:00Z", "2021-05-19T11-20", "yyyy-MM-dd'T'HH-mm", "UTC")
	f("2021-05-19T09:20:00Z", "2021/05/19 11:20:00 +0200", "yyyy/MM/dd HH:mm:ss Z", "UTC")
	f("2021-05-19T11:20:00Z", "1621423200", "yyyy-MM-dd", "UTC") // as in Flink: what does not fit the pattern may be seconds
	f("option \"source.init.timestamp\": 'yesterday' is neither in the form of 'yyyy-MM-dd'T'HH:mm:ss.SSSXXX' nor a usual one: write it as '2024-05-01T12:00:00Z', or set 'source.init.timestamp.format'", "yesterday", "", "UTC")
	f("'source.init.position' = 'AT_TIMESTAMP' wants 'source.init.timestamp'", "", "", "UTC")
	c := configure(t, "stream=s", "source.init.position=AT_TIMESTAMP", "source.init.timestamp=x", "source.init.timestamp.format='")
	wantText(t, c.check(nil), "source.init.timestamp.format")
}

func TestBounded(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.wantEnd(r.opened(r.source("source.init.position=TRIM_HORIZON", "scan.bounded.mode=latest")), "")
	r.send("s", "k=a", "k=b")
	time.Sleep(5 * time.Millisecond)
	end := time.Now().UnixMilli()
	time.Sleep(5 * time.Millisecond)
	r.send("s", "k=c")
	for _, count := range []int{1, 2, 10000} {
		n := fmt.Sprint("source.shard.get-records.max-record-count=", count)
		r.wantEnd(r.opened(r.source("source.init.position=TRIM_HORIZON", "scan.bounded.mode=latest", n)), "a b c")
		r.wantEnd(r.opened(r.source("source.init.position=TRIM_HORIZON", "scan.bounded.mode=timestamp", n,
			fmt.Sprint("scan.bounded.timestamp-millis=", end))), "a b")
	}
	r.wantEnd(r.opened(r.source("scan.bounded.mode=latest")), "")

	// The end may lie ahead.
	ahead := r.opened(r.source("source.init.position=TRIM_HORIZON", "scan.bounded.mode=timestamp", fmt.Sprint("scan.bounded.timestamp-millis=", time.Now().Add(300*time.Millisecond).UnixMilli())))
	r.want(ahead, "a b c")
	r.send("s", "k=d")
	r.wantEnd(ahead, "d")
}

// A stream that is written to without pause has a tip too.
func TestBoundedByTheTipOfABusyStream(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.failing(func(op string, n int, w http.ResponseWriter) bool {
		if op == "GetRecords" {
			r.send("s", fmt.Sprint("k=", n))
		}
		return false
	})
	start := time.Now()
	got, _, err := r.read(r.opened(r.source("source.init.position=TRIM_HORIZON", "scan.bounded.mode=latest")), 1<<30)
	if err != io.EOF || len(got) == 0 || time.Since(start) > 5*time.Second {
		t.Errorf("%d records in %s: %v", len(got), time.Since(start), err)
	}
}

func TestMetadata(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	before := time.Now().UnixMicro()
	r.send("s", "key 1=a")
	rd := r.opened(r.source("source.init.position=TRIM_HORIZON"))
	c := new(connectors.Chunk)
	if err := rd.Next(context.Background(), c); err != nil || c.Len() != 1 {
		t.Fatal(err, c.Len())
	}
	got := map[string]string{}
	for i, m := range metadata {
		got[m.Key] = c.Meta[i].ValueStr(0)
	}
	at, err := time.Parse("2006-01-02T15:04:05.999Z", got["timestamp"])
	if err != nil || at.UnixMicro() < before-1000 || at.After(time.Now()) {
		t.Errorf("timestamp %s, %v", got["timestamp"], err)
	}
	if len(got["sequence-number"]) != 56 || !strings.Contains(c.Describe(0), "shard shardId-000000000000, sequence number "+got["sequence-number"]) {
		t.Errorf("sequence number %q, record %q", got["sequence-number"], c.Describe(0))
	}
	delete(got, "timestamp")
	delete(got, "sequence-number")
	want := "map[encryption-type:(null) explicit-hash-key:(null) millis-behind-latest:0 partition-key:key 1 shard-id:shardId-000000000000 sub-sequence-number:0]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
}

// Failures that pass cost time, not records.
func TestReadGoesOnAfterPassingFailures(t *testing.T) {
	for name, fail := range map[string]func(n int, w http.ResponseWriter) bool{
		"throttled": func(_ int, w http.ResponseWriter) bool {
			return refuse(w, 400, "ProvisionedThroughputExceededException", "Rate exceeded for shard")
		},
		"expired": func(_ int, w http.ResponseWriter) bool {
			return refuse(w, 400, "ExpiredIteratorException", "Iterator expired.")
		},
		"internal": func(_ int, w http.ResponseWriter) bool { return refuse(w, 500, "InternalFailure", "oops") },
		"proxy": func(_ int, w http.ResponseWriter) bool {
			w.WriteHeader(502)
			fmt.Fprint(w, "<html>Bad Gateway</html>")
			return true
		},
		"unavailable": func(_ int, w http.ResponseWriter) bool { return refuse(w, 503, "ServiceUnavailable", "later") },
		"cut off":     func(int, http.ResponseWriter) bool { panic(http.ErrAbortHandler) },
		"half an answer": func(_ int, w http.ResponseWriter) bool {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"Records":[`)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, local.Options{})
			r.stream("s", 1)
			r.send("s", "k=a", "k=b", "k=c", "k=d", "k=e")
			failed := 0
			r.failing(func(op string, n int, w http.ResponseWriter) bool {
				if op == "GetRecords" && (n == 2 || n == 3 || n == 5) {
					failed++
					return fail(n, w)
				}
				return false
			})
			r.wantEnd(r.opened(r.source("source.init.position=TRIM_HORIZON", "source.shard.get-records.max-record-count=2", "scan.bounded.mode=latest")), "a b c d e")
			if failed != 3 {
				t.Errorf("%d calls failed", failed)
			}
		})
	}
}

func TestReadErrorsThatStay(t *testing.T) {
	r := newRig(t, local.Options{})
	_, err := r.source().Splits(context.Background())
	wantText(t, err, `there is no stream "s"`, "aws kinesis create-stream --stream-name s --shard-count 1 --endpoint-url "+r.url)
	r.stream("s", 1)
	for _, c := range []struct{ code, want string }{
		{"UnrecognizedClientException", "AWS does not accept the credentials (UnrecognizedClientException)"},
		{"ExpiredTokenException", "the AWS credentials have expired"},
		{"AccessDeniedException", "AWS refuses it: not you"},
		{"KMSAccessDeniedException", "KMSAccessDeniedException: not you"},
	} {
		for _, op := range []string{"ListShards", "GetShardIterator", "GetRecords"} {
			r.failing(func(o string, _ int, w http.ResponseWriter) bool {
				return o == op && refuse(w, 400, c.code, "not you")
			})
			start := time.Now()
			src := r.source("source.init.position=TRIM_HORIZON")
			_, err := src.Splits(context.Background())
			if err == nil {
				_, _, err = r.read(r.shardAt(src, 0, nil), 1)
			}
			wantText(t, err, `stream "s"`, c.want)
			if took := time.Since(start); took > time.Second {
				t.Errorf("%s of %s: took %s", c.code, op, took)
			}
		}
	}
}

func TestStreamDeletedWhileRead(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.send("s", "k=a")
	src := r.source("source.init.position=TRIM_HORIZON")
	rd := r.opened(src)
	r.want(rd, "a")
	if _, err := r.DeleteStream(context.Background(), &kinesis.DeleteStreamInput{StreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	_, _, err := r.read(rd, 1)
	wantText(t, err, `there is no stream "s"`)
	_, err = src.Splits(context.Background())
	wantText(t, err, `there is no stream "s"`)
}

// A shard whose records have outlived the retention is not worth an end; that something may be lost is told.
func TestShardIsGone(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	src := r.source()
	r.positions(src)
	rd := r.shardAt(src, 7, offset{Seq: "1"}.encode())
	r.wantEnd(rd, "")
	if !strings.Contains(r.warnings(), "shard shardId-000000000007 is gone") {
		t.Errorf("warnings: %q", r.warnings())
	}
}

func TestListingThatFailsInPassing(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 2)
	src := r.source()
	r.positions(src)
	r.failing(func(op string, _ int, w http.ResponseWriter) bool {
		return refuse(w, 400, "LimitExceededException", "Rate exceeded")
	})
	splits, err := src.Splits(context.Background())
	if err != nil || len(splits) != 2 {
		t.Errorf("%v, %v", splits, err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	env := new(rig).env()
	env.LocalKinesis = nil
	c := configure(t, "stream=s", "aws.endpoint=http://127.0.0.1:1")
	src, err := c.Source(&connectors.TableDesc{Columns: oneColumn}, connectors.Scan{Columns: oneColumn}, env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err = src.Splits(ctx); err == nil || time.Since(start) > time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestServerAwayAndBack(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.send("s", "k=a")
	src := r.source("source.init.position=TRIM_HORIZON")
	rd := r.opened(src)
	r.want(rd, "a")
	good := r.url
	src.api.mu.Lock()
	r.url = "http://127.0.0.1:1"
	err := src.api.dial(context.Background())
	src.api.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	c := new(connectors.Chunk)
	for range 3 {
		if err := rd.Next(context.Background(), c); err != nil || c.Len() != 0 {
			t.Fatal(err, c.Len())
		}
	}
	if !strings.Contains(r.warnings(), "connection refused; trying again") {
		t.Errorf("warnings: %q", r.warnings())
	}
	r.send("s", "k=b")
	r.url = good // the session found, or became, the new owner
	r.want(rd, "b")
	if strings.Count(r.warnings(), "trying again") != 1 || !strings.Contains(r.warnings(), "answers again") {
		t.Errorf("warnings: %q", r.warnings())
	}
}

func TestCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	f := func(want string, options ...string) {
		t.Helper()
		r := &rig{T: t}
		env := r.env()
		env.LocalKinesis = nil
		c := configure(t, append(options, "stream=s")...)
		src, err := c.Source(&connectors.TableDesc{Columns: oneColumn}, connectors.Scan{Columns: oneColumn}, env)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = src.Splits(context.Background())
		wantText(t, err, `stream "s"`, want)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %s", took)
		}
	}
	f("no AWS credentials: set AWS_ACCESS_KEY_ID", "aws.region=us-east-1")
	f("no AWS region: set 'aws.region'")
	f("wants 'aws.credentials.basic.accesskeyid'", "aws.region=us-east-1", "aws.credentials.provider=BASIC")
	f("failed to get shared config profile", "aws.region=us-east-1", "aws.credentials.provider=PROFILE", "aws.credentials.profile.name=nobody")
	f("wants 'aws.credentials.role.arn'", "aws.region=us-east-1", "aws.credentials.provider=ASSUME_ROLE")
	f("means a Java virtual machine", "aws.region=us-east-1", "aws.credentials.provider=CUSTOM", "aws.credentials.custom.class=a.B")
	f("only taken with an 'aws.endpoint' on this machine", "aws.region=us-east-1", "aws.trust.all.certificates=true")
}

func TestSchemeOfEndpointIsWrong(t *testing.T) {
	r := newRig(t, local.Options{})
	env := r.env()
	env.LocalKinesis = nil
	c := configure(t, "stream=s", "aws.endpoint="+strings.Replace(r.url, "http:", "https:", 1))
	src, _ := c.Source(&connectors.TableDesc{Columns: oneColumn}, connectors.Scan{Columns: oneColumn}, env)
	_, err := src.Splits(context.Background())
	wantText(t, err, "check that 'aws.endpoint' begins with http://")
}

func TestEnhancedFanOutIsPolled(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.send("s", "k=a")
	r.want(r.opened(r.source("scan.stream.recordpublisher=EFO", "source.efo.consumer.name=c", "source.init.position=TRIM_HORIZON")), "a")
	if !strings.Contains(r.warnings(), "read by polling") {
		t.Errorf("warnings: %q", r.warnings())
	}
}

// A quiet stream is asked seldom, and still answers soon.
func TestQuietPolling(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	rd := r.opened(r.source())
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	c := new(connectors.Chunk)
	var err error
	for err == nil {
		err = rd.Next(ctx, c)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if n := r.called("GetRecords"); n > 80 {
		t.Errorf("%d reads in 4 s of silence", n)
	}
	r.send("s", "k=a")
	start := time.Now()
	r.want(rd, "a")
	if took := time.Since(start); took > 250*time.Millisecond {
		t.Errorf("the record came after %s", took)
	}
}
