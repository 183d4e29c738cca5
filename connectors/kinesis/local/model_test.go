package local

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// The model: what a stream is to a client, in plain lists. It computes routing with math/big from the definition, and
// shares no code with the server but the reading of sequence numbers.
type (
	modelRecord struct {
		number, key, data string
		atMs              int64
	}
	modelShard struct {
		id          string
		first, last *big.Int
		parents     []string
		closed      bool
		endMs       int64 // when it was closed
		records     []modelRecord
	}
	modelStream struct {
		hours     int64
		shards    []*modelShard
		consumers map[string]bool
	}
	// modelCursor is an iterator that a client holds: the records before next are behind it.
	modelCursor struct {
		stream   *modelStream
		shard    *modelShard
		next     int
		iterator string
		issuedMs int64
	}
)

// modelled runs one sequence of operations against a server whose disk can lose what was not synced.
type modelled struct {
	server  *Server
	disk    *vfs.MemFS
	clock   *clock
	streams map[string]*modelStream
	cursors []*modelCursor
	count   int
}

var modelNames = []string{"a", "b"}

func (m *modelled) options() Options {
	return Options{Clock: m.clock.Now, SweepInterval: time.Hour, fs: m.disk, ShardLimit: 40}
}

func (m *modelled) open(t *rapid.T) {
	s, err := Open(m.options())
	if err != nil {
		t.Fatal(err)
	}
	m.server = s
}

func (m *modelled) close(t *rapid.T) {
	if err := m.server.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// wantCode ends the test unless err is an error of that code, "" for none; it says whether there was one.
func wantCode(t *rapid.T, err error, code string) bool {
	t.Helper()
	got := ""
	var api *apiError
	if errors.As(err, &api) {
		got = api.Code
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Fatalf("error %v, want %q", err, code)
	}
	return err != nil
}

func (m *modelled) nowMs() int64 { return m.clock.Now().UnixMilli() }

func (m *modelled) pick(t *rapid.T) (string, *modelStream) {
	name := rapid.SampledFrom(modelNames).Draw(t, "stream")
	return name, m.streams[name]
}

func (st *modelStream) open() []*modelShard {
	open := slices.DeleteFunc(slices.Clone(st.shards), func(s *modelShard) bool { return s.closed })
	slices.SortFunc(open, func(a, b *modelShard) int { return a.first.Cmp(b.first) })
	return open
}

// live are the records that retention keeps, from index on.
func (st *modelStream) live(sh *modelShard, from int, nowMs int64) []modelRecord {
	records := sh.records[min(from, len(sh.records)):]
	return slices.DeleteFunc(slices.Clone(records), func(r modelRecord) bool { return r.atMs < nowMs-st.hours*3_600_000 })
}

// adopt takes over the shards that the server made, after checking that they are what a change of shards may make.
func (m *modelled) adopt(t *rapid.T, name string, st *modelStream) {
	reply, err := m.server.listShards(t.Context(), &listShardsRequest{streamRef: streamRef{StreamName: &name}})
	wantCode(t, err, "")
	for i, got := range reply.Shards {
		if i < len(st.shards) && st.shards[i].id != got.ShardID {
			t.Fatalf("shard %d is %s, was %s", i, got.ShardID, st.shards[i].id)
		}
		closed := got.SequenceNumberRange.EndingSequenceNumber != ""
		if i == len(st.shards) {
			first, _ := new(big.Int).SetString(got.HashKeyRange.StartingHashKey, 10)
			last, _ := new(big.Int).SetString(got.HashKeyRange.EndingHashKey, 10)
			sh := &modelShard{id: got.ShardID, first: first, last: last}
			for _, p := range []string{got.ParentShardID, got.AdjacentParentShardID} {
				if p != "" {
					sh.parents = append(sh.parents, p)
				}
			}
			st.shards = append(st.shards, sh)
		}
		if closed && !st.shards[i].closed {
			_, end, err := parseSequence(got.SequenceNumberRange.EndingSequenceNumber)
			if err != nil {
				t.Fatal(err)
			}
			st.shards[i].closed, st.shards[i].endMs = true, end.millis()
		} else if !closed && st.shards[i].closed {
			t.Fatalf("shard %s is open again", got.ShardID)
		}
	}
	if len(reply.Shards) != len(st.shards) {
		t.Fatalf("%d shards, want %d", len(reply.Shards), len(st.shards))
	}
	next := new(big.Int)
	for _, sh := range st.open() {
		if sh.first.Cmp(next) != 0 {
			t.Fatalf("open shards leave a gap or overlap at %v", next)
		}
		next.Add(sh.last, big.NewInt(1))
	}
	if next.Cmp(new(big.Int).Lsh(big.NewInt(1), 128)) != 0 {
		t.Fatalf("open shards end at %v", next)
	}
}

func (m *modelled) create(t *rapid.T) {
	name, old := m.pick(t)
	n := rapid.IntRange(1, 4).Draw(t, "shards")
	_, err := m.server.createStream(t.Context(), &createStreamRequest{StreamName: &name, ShardCount: &n})
	if old != nil {
		wantCode(t, err, "ResourceInUseException")
		return
	}
	wantCode(t, err, "")
	st := &modelStream{hours: 24, consumers: map[string]bool{}}
	m.streams[name] = st
	m.adopt(t, name, st)
	if len(st.shards) != n {
		t.Fatalf("%d shards of %d", len(st.shards), n)
	}
}

func (m *modelled) remove(t *rapid.T) {
	name, st := m.pick(t)
	_, err := m.server.deleteStream(t.Context(), &deleteStreamRequest{streamRef: streamRef{StreamName: &name}})
	switch {
	case st == nil:
		wantCode(t, err, "ResourceNotFoundException")
	case len(st.consumers) > 0:
		wantCode(t, err, "ResourceInUseException")
	default:
		wantCode(t, err, "")
		delete(m.streams, name)
	}
}

func (m *modelled) put(t *rapid.T) {
	name, st := m.pick(t)
	request := &putRecordsRequest{streamRef: streamRef{StreamName: &name}}
	hashes := make([]*big.Int, rapid.IntRange(1, 6).Draw(t, "records"))
	for i := range hashes {
		m.count++
		key := fmt.Sprint("k", rapid.IntRange(0, 20).Draw(t, "key"))
		e := putRecordsEntry{Data: fmt.Append(nil, "d", m.count), PartitionKey: &key}
		sum := md5.Sum([]byte(key))
		hashes[i] = new(big.Int).SetBytes(sum[:])
		if rapid.IntRange(0, 4).Draw(t, "explicit") == 0 {
			hashes[i] = new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "hash"))
			text := hashes[i].String()
			e.ExplicitHashKey = &text
		}
		request.Records = append(request.Records, e)
	}
	reply, err := m.server.putRecords(t.Context(), request)
	if st == nil {
		wantCode(t, err, "ResourceNotFoundException")
		return
	}
	wantCode(t, err, "")
	for i, got := range reply.Records {
		at := slices.IndexFunc(st.shards, func(s *modelShard) bool {
			return !s.closed && s.first.Cmp(hashes[i]) <= 0 && s.last.Cmp(hashes[i]) >= 0
		})
		sh := st.shards[at]
		if got.ShardID != sh.id {
			t.Fatalf("record of hash %v went to %s, want %s", hashes[i], got.ShardID, sh.id)
		}
		_, position, err := parseSequence(got.SequenceNumber)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(sh.records); n > 0 && sh.records[n-1].number >= got.SequenceNumber {
			t.Fatalf("%s follows %s", got.SequenceNumber, sh.records[n-1].number)
		}
		sh.records = append(sh.records, modelRecord{got.SequenceNumber, *request.Records[i].PartitionKey, string(request.Records[i].Data), position.millis()})
	}
}

func (m *modelled) split(t *rapid.T) {
	name, st := m.pick(t)
	if st == nil {
		return
	}
	sh := rapid.SampledFrom(st.shards).Draw(t, "shard")
	middle := new(big.Int).Add(sh.first, sh.last)
	at := middle.Rsh(middle, 1).String()
	_, err := m.server.splitShard(t.Context(), &splitShardRequest{streamRef{StreamName: &name}, &sh.id, &at})
	switch {
	case sh.closed:
		wantCode(t, err, "InvalidArgumentException")
	case m.openShards() >= 40:
		wantCode(t, err, "LimitExceededException")
	case new(big.Int).Sub(sh.last, sh.first).BitLen() < 4:
		return
	default:
		wantCode(t, err, "")
		before := len(st.shards)
		m.adopt(t, name, st)
		children := st.shards[before:]
		if len(children) != 2 || children[0].first.Cmp(sh.first) != 0 || children[1].last.Cmp(sh.last) != 0 || children[1].first.String() != at ||
			!slices.Equal(children[0].parents, []string{sh.id}) || !slices.Equal(children[1].parents, []string{sh.id}) || !sh.closed {
			t.Fatalf("children of %s are wrong", sh.id)
		}
	}
}

func (m *modelled) openShards() int {
	n := 0
	for _, st := range m.streams {
		n += len(st.open())
	}
	return n
}

func (m *modelled) merge(t *rapid.T) {
	name, st := m.pick(t)
	if st == nil {
		return
	}
	open := st.open()
	i, j := rapid.IntRange(0, len(open)-1).Draw(t, "one"), rapid.IntRange(0, len(open)-1).Draw(t, "other")
	_, err := m.server.mergeShards(t.Context(), &mergeShardsRequest{streamRef{StreamName: &name}, &open[i].id, &open[j].id})
	if i != j+1 && j != i+1 {
		wantCode(t, err, "InvalidArgumentException")
		return
	}
	wantCode(t, err, "")
	m.adopt(t, name, st)
	child := st.shards[len(st.shards)-1]
	if child.first.Cmp(open[min(i, j)].first) != 0 || child.last.Cmp(open[max(i, j)].last) != 0 || !open[i].closed || !open[j].closed || len(child.parents) != 2 {
		t.Fatalf("the child of %s and %s is wrong", open[i].id, open[j].id)
	}
}

func (m *modelled) scale(t *rapid.T) {
	name, st := m.pick(t)
	if st == nil {
		return
	}
	n, current := rapid.IntRange(1, 12).Draw(t, "target"), len(st.open())
	uniform := "UNIFORM_SCALING"
	_, err := m.server.updateShardCount(t.Context(), &updateShardCountRequest{streamRef{StreamName: &name}, &n, &uniform})
	switch {
	case n > 2*current || 2*n < current || m.openShards()+n-current > 40:
		wantCode(t, err, "LimitExceededException")
	default:
		wantCode(t, err, "")
		m.adopt(t, name, st)
		if len(st.open()) != n {
			t.Fatalf("%d open shards, want %d", len(st.open()), n)
		}
	}
}

func (m *modelled) consumer(t *rapid.T) {
	name, st := m.pick(t)
	arn, consumer := m.server.streamARN(name), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "consumer")
	want := ""
	if rapid.Bool().Draw(t, "register") {
		_, err := m.server.registerConsumer(t.Context(), &registerConsumerRequest{StreamARN: &arn, ConsumerName: &consumer})
		if st == nil {
			want = "ResourceNotFoundException"
		} else if st.consumers[consumer] {
			want = "ResourceInUseException"
		} else {
			st.consumers[consumer] = true
		}
		wantCode(t, err, want)
		return
	}
	_, err := m.server.deregisterConsumer(t.Context(), &consumerRef{StreamARN: &arn, ConsumerName: &consumer})
	if st == nil || !st.consumers[consumer] {
		want = "ResourceNotFoundException"
	} else {
		delete(st.consumers, consumer)
	}
	wantCode(t, err, want)
}

func (m *modelled) retain(t *rapid.T) {
	name, st := m.pick(t)
	if st == nil {
		return
	}
	hours := rapid.IntRange(24, 30).Draw(t, "hours")
	request, want := &retentionRequest{streamRef{StreamName: &name}, &hours}, ""
	if int64(hours) == st.hours {
		want = "InvalidArgumentException"
	}
	set := m.server.increaseRetention
	if int64(hours) < st.hours {
		set = m.server.decreaseRetention
	}
	if _, err := set(t.Context(), request); !wantCode(t, err, want) {
		st.hours = int64(hours)
	}
}

func (m *modelled) wait(t *rapid.T) {
	for _, kind := range []struct{ least, most, odds int }{{-500, 0, 10}, {1, 1000, 1}, {60_000, 400_000, 4}, {3_600_000, 40_000_000, 6}} {
		if rapid.IntRange(1, kind.odds).Draw(t, "odds") == 1 {
			m.clock.advance(time.Duration(rapid.IntRange(kind.least, kind.most).Draw(t, "ms")) * time.Millisecond)
		}
	}
}

// sweep deletes for good: a closed shard whose end has expired leaves with its records.
func (m *modelled) sweep(t *rapid.T) {
	if err := m.server.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, st := range m.streams {
		// What the sweep deleted does not come back when retention grows afterwards or the clock steps back.
		horizon := m.nowMs() - st.hours*3_600_000
		st.shards = slices.DeleteFunc(st.shards, func(s *modelShard) bool { return s.closed && s.endMs < horizon })
		for _, sh := range st.shards {
			kept := st.live(sh, 0, m.nowMs())
			for _, c := range m.cursors {
				if c.shard == sh {
					c.next = max(0, c.next-(len(sh.records)-len(kept)))
				}
			}
			sh.records = kept
		}
		m.adopt(t, name, st)
	}
}

func (m *modelled) restart(t *rapid.T) {
	if rapid.Bool().Draw(t, "crash") {
		percent := rapid.SampledFrom([]int{0, 0, 50, 100}).Draw(t, "unsynced kept")
		after := m.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))})
		m.close(t)
		m.disk = after
	} else {
		m.close(t)
	}
	m.open(t)
}

// check compares what is there of streams, shards and consumers as a whole.
func (m *modelled) check(t *rapid.T) {
	reply := m.server.pageOfStreams("", 100)
	if len(reply.StreamNames) != len(m.streams) {
		t.Fatalf("streams %v, want %d", reply.StreamNames, len(m.streams))
	}
	for name, st := range m.streams {
		d, err := m.server.describeStreamSummary(t.Context(), &describeStreamSummaryRequest{streamRef{StreamName: &name}})
		wantCode(t, err, "")
		s := d.StreamDescriptionSummary
		if int64(s.RetentionPeriodHours) != st.hours || s.OpenShardCount != len(st.open()) || s.ConsumerCount != len(st.consumers) {
			t.Fatalf("%s is %+v", name, s)
		}
	}
}

// Random operations on streams, shards, consumers and the clock, with restarts and crashes between, give what a plain
// model gives. go test -run Model -rapid.checks=10000 runs as many sequences.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &modelled{disk: vfs.NewCrashableMem(), clock: newClock(), streams: map[string]*modelStream{}}
		m.open(t)
		defer func() { m.server.Close(context.Background()) }()
		m.create(t)
		actions := map[string]func(*rapid.T){"": m.check, "create": m.create, "remove": m.remove, "split": m.split, "merge": m.merge, "scale": m.scale,
			"follow": m.follow, "consumer": m.consumer, "retain": m.retain, "wait": m.wait, "sweep": m.sweep, "restart": m.restart}
		for i := range 4 { // puts and reads are what most clients do
			actions[strings.Repeat("+", i)+"put"], actions[strings.Repeat("+", i)+"read"] = m.put, m.read
		}
		t.Repeat(actions)
	})
}
