package local

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var gigabytes = flag.Int("gigabytes", 0, "how many GB of records the tests of size put; 0 skips them")

// randomBatch is the body of a PutRecords of 500 records of 1000 bytes which do not compress.
func randomBatch(stream string, seed byte) []byte {
	random := rand.NewChaCha8([32]byte{seed})
	var body strings.Builder
	fmt.Fprintf(&body, `{"StreamName":%q,"Records":[`, stream)
	data := make([]byte, 1000)
	for i := range 500 {
		random.Read(data)
		fmt.Fprintf(&body, `%s{"Data":%q,"PartitionKey":"%d-%d"}`, strings.Repeat(",", min(i, 1)), base64.StdEncoding.EncodeToString(data), seed, i)
	}
	return []byte(body.String() + "]}")
}

// memoryOf is the memory of a process and the most it ever had, in MB.
func memoryOf(t *testing.T, pid int) (now, most int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("SKIPPED: the memory of a process is not known here: ", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			fmt.Sscan(rest, &now)
		}
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			fmt.Sscan(rest, &most)
		}
	}
	return now / 1024, most / 1024
}

// What a hundred streams with a thousand shards take of memory while they are filled and read, and how long a server of so
// many records takes to start: go test -run Size -gigabytes 1 (or 10).
func TestSize(t *testing.T) {
	if *gigabytes == 0 {
		t.Skip("SKIPPED: takes minutes and disk space; run it with -gigabytes 1")
	}
	dir := t.TempDir()
	server := exec.Command(os.Args[0])
	url, kill := startCommand(t, dir, server)
	l := &load{url, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	const streams, shards = 100, 10
	name := func(i int) string { return fmt.Sprintf("s%02d", i) }
	for i := range streams {
		if _, err := l.call("CreateStream", fmt.Appendf(nil, `{"StreamName":%q,"ShardCount":%d}`, name(i), shards)); err != nil {
			t.Fatal(err)
		}
	}
	now, most := memoryOf(t, server.Process.Pid)
	t.Logf("empty: %d MB, at most %d MB", now, most)
	began := time.Now()
	each(4, func(worker int) {
		for i := worker; i < streams; i += 4 {
			for round := range *gigabytes * 20 {
				if _, err := l.call("PutRecords", randomBatch(name(i), byte(round))); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	now, most = memoryOf(t, server.Process.Pid)
	t.Logf("filled in %v: %d MB, at most %d MB", time.Since(began).Round(time.Second), now, most)
	kill()

	began = time.Now()
	server = exec.Command(os.Args[0])
	url, _ = startCommand(t, dir, server)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the server takes %v to start", took)
	} else {
		t.Logf("started again after a kill in %v", took)
	}
	l.url = url
	var got atomic.Int64
	each(8, func(worker int) {
		for i := worker; i < streams*shards && !t.Failed(); i += 8 {
			n, err := l.drain(name(i/shards), uint32(i%shards))
			if err != nil {
				t.Error(err)
			}
			got.Add(int64(n))
		}
	})
	if want := int64(*gigabytes) * 1_000_000; got.Load() != want {
		t.Errorf("%d records, want %d", got.Load(), want)
	}
	now, most = memoryOf(t, server.Process.Pid)
	t.Logf("read by 8 consumers: %d MB, at most %d MB", now, most)
	if most > 200 {
		t.Errorf("the server takes %d MB", most)
	}
}

// drain counts the records of a shard.
func (l *load) drain(stream string, shard uint32) (records int, err error) {
	reply, err := l.call("GetShardIterator", fmt.Appendf(nil, `{"StreamName":%q,"ShardId":%q,"ShardIteratorType":"TRIM_HORIZON"}`, stream, shardID(shard)))
	for err == nil {
		_, rest, _ := bytes.Cut(reply, []byte(`ShardIterator":"`))
		iterator, _, _ := bytes.Cut(rest, []byte(`"`))
		reply, err = l.call("GetRecords", fmt.Appendf(nil, `{"ShardIterator":%q}`, iterator))
		n := bytes.Count(reply, []byte(`"SequenceNumber"`))
		if records += n; n == 0 {
			break
		}
	}
	return records, err
}
