package local

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	reply, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	return reply.StatusCode, text(t, reply)
}

func TestPage(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 2)
	for _, data := range []string{`{"a": 1}`, "plain", "\xff\x00"} {
		r.put("s", data[:1]+"k", data)
	}
	arn := aws.String(r.server.streamARN("s"))
	ok(r.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c")}))(t)
	status, page := fetch(t, r.server.URL()+"/")
	if status != 200 || !strings.Contains(page, "/page/streams") {
		t.Errorf("page: %d %.80s", status, page)
	}
	_, got := fetch(t, r.server.URL()+pageStreamPath)
	var o pageOverview
	if err := json.Unmarshal([]byte(got), &o); err != nil || len(o.Streams) != 1 {
		t.Fatalf("%v in %s", err, got)
	}
	s := o.Streams[0]
	same(t, "in", s.In, 3)
	same(t, "consumers", s.Consumers[0].Name+s.Consumers[0].Status, "cACTIVE")
	same(t, "upper shard", s.Shards[1].From, 0.5)
	same(t, "its end", s.Shards[1].To, 1)
	_, got = fetch(t, r.server.URL()+pageRecordPath+"?stream=s&limit=2")
	var records []pageRecord
	if err := json.Unmarshal([]byte(got), &records); err != nil || len(records) != 2 {
		t.Fatalf("%v in %s", err, got)
	}
	same(t, "newest", records[0].Views[0].Form+records[0].Views[0].Text, "hexff00")
	same(t, "before", records[1].Views[0].Form+records[1].Views[0].Text, "textplain")
	status, got = fetch(t, r.server.URL()+pageRecordPath+"?stream=nope")
	if status != 404 || !strings.Contains(got, `\"nope\"`) {
		t.Errorf("unknown stream: %d %s", status, got)
	}
	// A server which verifies signatures shows no records to whoever asks.
	closed := newRig(t, Options{Credentials: map[string]string{"A": "s"}})
	for _, path := range []string{pagePath, pageStreamPath, pageRecordPath} {
		if status, _ := fetch(t, closed.server.URL()+path); status != 404 {
			t.Errorf("%s with credentials: %d", path, status)
		}
	}
}

func TestMetrics(t *testing.T) {
	r := newRig(t, Options{EnforceLimits: true})
	name := "s"
	r.create(name, 1)
	ok(r.EnableEnhancedMonitoring(r.ctx, &kinesis.EnableEnhancedMonitoringInput{StreamName: &name, ShardLevelMetrics: []types.MetricsName{"IncomingRecords"}}))(t)
	r.put(name, "key", "12345")
	r.read(r.iterator(name, 0, types.ShardIteratorTypeTrimHorizon))
	_, got := fetch(t, r.server.URL()+metricsPath)
	for _, want := range []string{
		`aws_kinesis_incoming_records_total{stream_name="s"} 1`,
		`aws_kinesis_incoming_bytes_total{stream_name="s"} 8`,
		`aws_kinesis_put_record_success_total{stream_name="s"} 1`,
		`aws_kinesis_get_records_bytes_total{stream_name="s"} 8`,
		`aws_kinesis_get_records_iterator_age_milliseconds{stream_name="s"} 0`,
		`aws_kinesis_write_provisioned_throughput_exceeded_total{stream_name="s"} 0`,
		`# TYPE aws_kinesis_put_records_latency_seconds_total counter`,
		`aws_kinesis_shard_incoming_records_total{stream_name="s",shard_id="shardId-000000000000"} 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no line %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, `aws_kinesis_shard_outgoing_bytes_total{`) {
		t.Error("a shard-level metric which is not enabled is given")
	}
}

func TestViewRecord(t *testing.T) {
	f := func(data, want string) {
		t.Helper()
		got := ""
		for _, v := range ViewRecord("k", []byte(data)) {
			got += v.PartitionKey + " " + v.Form + " " + v.Text + ";"
		}
		same(t, "view", got, want)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write([]byte(`{"a": 1}`))
	w.Close()
	f(`{"a": 1}`, `k json {"a":1};`)
	f("12", "k json 12;")
	f("a line\n", "k text a line\n;")
	f("", "k text ;")
	f("\x01", "k hex 01;")
	f(zipped.String(), `k gzip json {"a":1};`)
	f("\x1f\x8bx", "k hex 1f8b78;")
	f("\xf3\x89\x9a\xc2", "k hex f3899ac2;")
}

// aggregates are what the Kinesis Producer Library really sent.
func aggregates(t testing.TB, file string) [][]byte {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "kinesis", "fixtures", file)
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skip("the recorded aggregates are not on this machine: " + path)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for line := range strings.Lines(string(text)) {
		var record struct{ Data string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		data, err := base64.StdEncoding.DecodeString(record.Data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

func TestViewAggregates(t *testing.T) {
	for file, want := range map[string]int{"kpl-agg-1000.jsonl": 1001, "kpl-agg-ehk-200.jsonl": 201, "kpl-agg-5k-300.jsonl": 301} {
		users := 0
		for _, data := range aggregates(t, file) {
			for _, v := range ViewRecord("a", data) {
				users++
				if v.Sub >= 0 && !strings.HasPrefix(v.PartitionKey, "key-") {
					t.Errorf("%s: key %q", file, v.PartitionKey)
				}
			}
		}
		same(t, file, users, want)
	}
}

func FuzzViewRecord(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Add([]byte("\x1f\x8b\x08"))
	f.Add(append([]byte("\xf3\x89\x9a\xc2\x0a\x01a\x1a\x04\x08\x00\x1a\x00"), make([]byte, 16)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range ViewRecord("k", data) {
			if v.Size > len(data) {
				t.Errorf("%d bytes of %d", v.Size, len(data))
			}
		}
		// Past the checksum, which random bytes never pass.
		protoFields(data, func(int, uint64, []byte) error { return nil })
	})
}
