package local

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

var kills = flag.Int("kills", 3, "how many times the server is killed")

// childDir makes the test binary a server of that directory, for another process to kill.
const childDir = "WEIR_TEST_KINESIS_CHILD"

func TestMain(m *testing.M) {
	flag.Parse()
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Run(Options{Dir: dir})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(s.URL())
	io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

// startChild runs a server in a process of its own.
func startChild(t *testing.T, dir string) (url string, kill func()) {
	t.Helper()
	return startCommand(t, dir, exec.Command(os.Args[0]))
}

func startCommand(t testing.TB, dir string, child *exec.Cmd) (url string, kill func()) {
	t.Helper()
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	_, err := child.StdinPipe() // which nobody writes to: it ends with this process
	out, outErr := child.StdoutPipe()
	if err = errors.Join(err, outErr); err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		child.Process.Kill() // SIGKILL: nothing is flushed
		child.Wait()
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "http://") {
		t.Fatalf("child says %q, %v", line, err)
	}
	return strings.TrimSpace(line), kill
}

// acked collects the acknowledged records of concurrent producers.
type acked struct {
	mu      sync.Mutex
	numbers map[string]string // data -> shard and sequence number
}

// produce puts records, singly and in batches, until the server is gone.
func (a *acked) produce(client *kinesis.Client, producer int) {
	for i := 0; ; i++ {
		in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
		for j := range 1 + i%5 {
			data := fmt.Sprintf("%d-%d-%d", producer, i, j)
			in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: []byte(data), PartitionKey: &data})
		}
		out, err := client.PutRecords(context.Background(), in)
		if err != nil {
			return
		}
		a.mu.Lock()
		for j, rec := range out.Records {
			a.numbers[string(in.Records[j].Data)] = *rec.ShardId + *rec.SequenceNumber
		}
		a.mu.Unlock()
	}
}

func (a *acked) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.numbers)
}

// Every record which was acknowledged before kill -9 is there afterwards, under its number, and later numbers
// are greater. Some times over, so that the log of a log is read too: go test -run SurviveKill -kills=50.
func TestAcknowledgedRecordsSurviveKill(t *testing.T) {
	dir := t.TempDir()
	a := &acked{numbers: map[string]string{}}
	var slowest time.Duration
	for round := range *kills {
		began := time.Now()
		url, kill := startChild(t, dir)
		slowest = max(slowest, time.Since(began))
		if round == 0 {
			ok(newClient(url).CreateStream(context.Background(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(3)}))(t)
		}
		before := a.count()
		var producers sync.WaitGroup
		for p := range 4 {
			producers.Go(func() { a.produce(newClient(url), 10*round+p) })
		}
		for deadline := time.Now().Add(20 * time.Second); a.count() < before+300; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the producers are stuck")
			}
		}
		kill()
		producers.Wait()
	}
	began := time.Now()
	r := newRig(t, Options{Dir: dir})
	t.Logf("%d kills, %d records acknowledged, slowest start of a process %v, last reopening %v", *kills, len(a.numbers), slowest, time.Since(began))
	found := map[string]string{}
	last := map[uint32]string{}
	for shard := range uint32(3) {
		for _, rec := range r.drain("s", shard) {
			if *rec.SequenceNumber <= last[shard] {
				t.Errorf("shard %d: %s follows %s", shard, *rec.SequenceNumber, last[shard])
			}
			last[shard] = *rec.SequenceNumber
			if found[string(rec.Data)] != "" {
				t.Errorf("record %s is there twice", rec.Data)
			}
			found[string(rec.Data)] = shardID(shard) + *rec.SequenceNumber
		}
	}
	for data, number := range a.numbers {
		if found[data] != number {
			t.Errorf("record %s was acknowledged as %s, is %q", data, number, found[data])
		}
	}
	for i := range 20 {
		out := r.put("s", fmt.Sprint(i), "later")
		shard, _ := parseShardID(*out.ShardId)
		if *out.SequenceNumber <= last[shard] {
			t.Errorf("after restart: %s follows %s", *out.SequenceNumber, last[shard])
		}
	}
}

// Streams, shards, tags, retention, iterators and page positions are as before after a restart, and numbers rise
// even when the clock went back meanwhile.
func TestRestart(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Clock: c.Now}
	name := "s"
	var number, iterator, shards string
	t.Run("before", func(t *testing.T) {
		r := newRig(t, opts)
		r.create(name, 2)
		r.create("gone", 1)
		number = *r.put(name, "a", "1").SequenceNumber
		iterator = r.iterator(name, 0, types.ShardIteratorTypeLatest)
		middle := evenRanges(4)[3].First.String()
		ok(r.SplitShard(r.ctx, &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: aws.String(shardID(1)), NewStartingHashKey: &middle}))(t)
		ok(r.AddTagsToStream(r.ctx, &kinesis.AddTagsToStreamInput{StreamName: &name, Tags: map[string]string{"k": "v"}}))(t)
		ok(r.IncreaseStreamRetentionPeriod(r.ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: aws.Int32(30)}))(t)
		ok(r.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{StreamName: aws.String("gone")}))(t)
		shards = describe(r.shards(name))
	})
	c.advance(-time.Minute)
	t.Run("after", func(t *testing.T) {
		r := newRig(t, opts)
		same(t, "streams", strings.Join(ok(r.ListStreams(r.ctx, &kinesis.ListStreamsInput{}))(t).StreamNames, " "), name)
		same(t, "shards", describe(r.shards(name)), shards)
		same(t, "tags", *ok(r.ListTagsForStream(r.ctx, &kinesis.ListTagsForStreamInput{StreamName: &name}))(t).Tags[0].Value, "v")
		d := ok(r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name}))(t).StreamDescriptionSummary
		same(t, "retention", *d.RetentionPeriodHours, 30)
		if next := *r.put(name, "a", "2").SequenceNumber; next <= number {
			t.Errorf("%s follows %s", next, number)
		}
		same(t, "iterator of before", r.read(iterator), "2")
		same(t, "records", joined(r.drain(name, 0)), "1,2")
		r.create("gone", 1)
		same(t, "records of a deleted stream", len(r.drain("gone", 0)), 0)
	})
}

// Many producers at once: no number twice, and each producer's records in its order.
func TestConcurrentPuts(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 1)
	const producers, each = 16, 25
	latest := r.iterator("s", 0, types.ShardIteratorTypeLatest)
	var wait sync.WaitGroup
	for p := range producers {
		wait.Go(func() {
			last := ""
			for i := range each {
				out, err := r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String(fmt.Sprint(p)), Data: []byte(fmt.Sprint(i))})
				if err != nil || *out.SequenceNumber <= last {
					t.Errorf("producer %d record %d: %v", p, i, err)
					return
				}
				last = *out.SequenceNumber
			}
		})
	}
	// A reader which runs along sees all, in order, without a gap.
	next := map[string]int{}
	for total := 0; total < producers*each; {
		page, err := r.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: &latest, Limit: aws.Int32(7)})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range page.Records {
			if want := fmt.Sprint(next[*rec.PartitionKey]); string(rec.Data) != want {
				t.Fatalf("producer %s: record %s, want %s", *rec.PartitionKey, rec.Data, want)
			}
			next[*rec.PartitionKey]++
			total++
		}
		latest = *page.NextShardIterator
		if t.Failed() {
			return
		}
	}
	wait.Wait()
}

// Splitting while producers write loses nothing, and no record lands in a closed shard.
func TestConcurrentSplit(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 1)
	var wait sync.WaitGroup
	for p := range 4 {
		wait.Go(func() {
			for i := range 50 {
				key := fmt.Sprint(p, "-", i)
				if _, err := r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: &key, Data: []byte(key)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := int32(2); n <= 16; n *= 2 {
		ok(r.UpdateShardCount(r.ctx, &kinesis.UpdateShardCountInput{StreamName: aws.String("s"), TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling}))(t)
	}
	wait.Wait()
	total := 0
	for _, sh := range r.shards("s") {
		index, _ := parseShardID(*sh.ShardId)
		for _, rec := range r.drain("s", index) {
			total++
			if end := sh.SequenceNumberRange.EndingSequenceNumber; end != nil && *rec.SequenceNumber >= *end {
				t.Errorf("%s has a record behind its end", *sh.ShardId)
			}
		}
	}
	same(t, "records", total, 200)
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	url, kill := startChild(t, dir)
	_, err := Open(Options{Dir: dir})
	var busy *InUseError
	if !errors.As(err, &busy) || busy.URL != url || busy.PID == os.Getpid() || busy.PID == 0 || !strings.Contains(err.Error(), dir) {
		t.Fatalf("open of a directory in use: %v", err)
	}
	got, owned, err := Attach(dir, Options{Addr: "127.0.0.1:0"})
	if err != nil || got != url || owned != nil {
		t.Fatalf("attach = %q %v %v, want the server at %q", got, owned, err, url)
	}
	kill()
	got, owned, err = Attach(dir, Options{Addr: "127.0.0.1:0"})
	if err != nil || owned == nil || got != owned.URL() || got == url {
		t.Fatalf("attach after the owner's death = %q %v %v", got, owned, err)
	}
	ok(newClient(got).ListStreams(context.Background(), &kinesis.ListStreamsInput{}))(t)
	for range 2 {
		if err := owned.Close(context.Background()); err != nil {
			t.Error("close:", err)
		}
	}
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal("open after close:", err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func BenchmarkPutRecords500x150(b *testing.B) { benchmarkPut(b, 500, 150) }
func BenchmarkPutRecord150(b *testing.B)      { benchmarkPut(b, 1, 150) }

func benchmarkPut(b *testing.B, records, size int) {
	r := newRig(b, Options{Dir: b.TempDir()})
	createFor(b, r)
	in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
	for i := range records {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: make([]byte, size), PartitionKey: aws.String(fmt.Sprint(i))})
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := r.PutRecords(r.ctx, in); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N*records)/b.Elapsed().Seconds(), "records/s")
}

func createFor(b *testing.B, r *rig) {
	if _, err := r.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(4)}); err != nil {
		b.Fatal(err)
	}
}

// The client's side of GetRecords costs more than the server's, so this measures the server without it.
func BenchmarkGetRecords10000x150(b *testing.B) {
	r := newRig(b, Options{Dir: b.TempDir()})
	createFor(b, r)
	st := r.server.catalog.named("s")
	entries := make([]putEntry, 10000)
	for i := range entries {
		entries[i] = putEntry{key: "key", data: make([]byte, 150)}
	}
	if _, err := r.server.put(r.ctx, st, entries); err != nil {
		b.Fatal(err)
	}
	it := r.server.encodeIterator(shardIterator{streamID: st.desc.ID, issuedMs: r.server.nowMs()})
	body := []byte(`{"ShardIterator":"` + it + `"}`)
	for b.Loop() {
		lease := &pageLease{server: r.server}
		if _, err := r.server.operations["GetRecords"].serve(r.ctx, r.server, jsonCodec{}, body, lease); err != nil {
			b.Fatal(err)
		}
		lease.release()
	}
	b.ReportMetric(float64(b.N*len(entries))/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkGetRecordsAtTail(b *testing.B) {
	r := newRig(b, Options{Dir: b.TempDir()})
	createFor(b, r)
	it := r.server.encodeIterator(shardIterator{streamID: 1, next: positionAt(r.server.nowMs() + 3_600_000), issuedMs: r.server.nowMs()})
	body := []byte(`{"ShardIterator":"` + it + `"}`)
	for b.Loop() {
		lease := &pageLease{server: r.server}
		if _, err := r.server.operations["GetRecords"].serve(r.ctx, r.server, jsonCodec{}, body, lease); err != nil {
			b.Fatal(err)
		}
		lease.release()
	}
}
