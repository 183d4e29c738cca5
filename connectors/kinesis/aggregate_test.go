package kinesis

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"weir/connectors"
	"weir/connectors/kinesis/local"
)

// aggregate makes an aggregated record of user records "key=data".
func aggregate(records ...string) []byte {
	field := func(dst []byte, number int, text []byte) []byte {
		dst = append(dst, byte(number<<3|2))
		dst = binary.AppendUvarint(dst, uint64(len(text)))
		return append(dst, text...)
	}
	var body []byte
	for _, r := range records {
		key, _, _ := strings.Cut(r, "=")
		body = field(body, 1, []byte(key))
	}
	for i, r := range records {
		_, data, _ := strings.Cut(r, "=")
		rec := append([]byte{1 << 3}, byte(i))
		body = field(body, 3, field(rec, 3, []byte(data)))
	}
	sum := md5.Sum(body)
	return append(append(append([]byte{}, aggregateMagic...), body...), sum[:]...)
}

func TestUserRecordsAreResumed(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.send("s", "k=a", "a="+string(aggregate("x=b", "y=c", "z=d")), "k=e")
	src := r.source("source.init.position=TRIM_HORIZON")
	r.want(r.opened(src), "a b c d e")
	rd := r.opened(src)
	c := new(connectors.Chunk)
	if err := rd.Next(context.Background(), c); err != nil || c.Len() != 5 {
		t.Fatal(err, c.Len())
	}
	for i, want := range []string{"b c d e", "c d e", "d e", "e"} {
		r.want(r.shardAt(src, 0, c.OffsetAt(i)), want)
	}
	keys := c.Meta[index("partition-key")]
	subs := c.Meta[index("sub-sequence-number")]
	for i, want := range []string{"k 0", "x 0", "y 1", "z 2", "k 0"} {
		if got := keys.ValueStr(i) + " " + subs.ValueStr(i); got != want {
			t.Errorf("record %d is %s, want %s", i, got, want)
		}
	}
	if got := c.Describe(2); !strings.HasSuffix(got, ", user record 1 in it") {
		t.Errorf("record 2 is %q", got)
	}
	got, _, err := r.read(r.opened(r.source("source.init.position=TRIM_HORIZON", "source.deaggregation=off")), 3)
	if err != nil || len(got) != 3 || !strings.HasPrefix(got[1], string(aggregateMagic)) {
		t.Errorf("%q, %v", got, err)
	}
}

func index(key string) int {
	for i, m := range metadata {
		if m.Key == key {
			return i
		}
	}
	return -1
}

// A user record in the wrong shard was sent again by its producer: it counts where it belongs.
func TestUserRecordsThatWentAstray(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 2)
	// By MD5, "a" (0cc1...) belongs to shard 0 and "b" (92eb...) to shard 1.
	zero := "0"
	in := &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("any"), ExplicitHashKey: &zero, Data: aggregate("a=1", "b=2", "a=3")}
	if _, err := r.PutRecord(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	r.send("s", "b=2")
	src := r.source("source.init.position=TRIM_HORIZON", "scan.bounded.mode=latest")
	at := r.positions(src)
	r.wantEnd(r.shardAt(src, 0, at[0]), "1 3")
	r.wantEnd(r.shardAt(src, 1, at[1]), "2")
}

func TestNotQuiteAggregated(t *testing.T) {
	good := aggregate("x=1", "y=2")
	if recs, ok := deaggregate(good); !ok || len(recs) != 2 {
		t.Fatal(recs, ok)
	}
	f := func(name string, data []byte) {
		t.Helper()
		if recs, ok := deaggregate(data); ok {
			t.Errorf("%s: taken for %d user records", name, len(recs))
		}
	}
	f("nothing", nil)
	f("magic only", aggregateMagic)
	f("text", []byte("{}"))
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		f(fmt.Sprint("byte ", i), bad)
		f(fmt.Sprint("cut at ", i), good[:i])
	}
	signed := func(body ...byte) []byte {
		sum := md5.Sum(body)
		return append(append(bytes.Clone(aggregateMagic), body...), sum[:]...)
	}
	f("no such key", signed(3<<3|2, 5, 1<<3, 9, 3<<3|2, 1, 'x'))
	f("longer than it is", signed(1<<3|2, 200, 1, 'x'))
	f("group", signed(1<<3|3))
}

func FuzzDeaggregate(f *testing.F) {
	f.Add(aggregate("x=1", "y=2")[4:20])
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := md5.Sum(body)
		data := append(append(bytes.Clone(aggregateMagic), body...), sum[:]...)
		recs, _ := deaggregate(data)
		total := 0
		for _, r := range recs {
			total += len(r.data)
		}
		if total > len(body) && len(recs) <= 1 {
			t.Errorf("%d bytes of data in %d", total, len(body))
		}
	})
}

// What the real producer library sent.
func TestFixturesOfTheProducerLibrary(t *testing.T) {
	const dir = "../../../shared/kinesis/fixtures/"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the records of the real producer library are not here: " + dir)
	}
	f := func(name string, users, keys, hashed int, payload bool) {
		t.Helper()
		r := newRig(t, local.Options{})
		r.stream("s", 1)
		r.replay(dir + name)
		rd := r.opened(r.source("source.init.position=TRIM_HORIZON", "scan.bounded.mode=latest"))
		n, seen, hashes := 0, map[string]bool{}, 0
		all := map[int]bool{}
		for c := new(connectors.Chunk); ; {
			err := rd.Next(context.Background(), c)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.Len() {
				n++
				key := c.Meta[index("partition-key")].ValueStr(i)
				if c.Meta[index("explicit-hash-key")].IsValid(i) {
					hashes++
				}
				var v struct {
					I int
					K string
				}
				if !payload || json.Unmarshal(c.Record(i), &v) != nil {
					seen[key] = true
					continue
				}
				if v.K != key {
					t.Fatalf("%s has the key %s", c.Record(i), key)
				}
				seen[key] = true
				all[v.I] = true
			}
		}
		delete(seen, "warm")
		delete(seen, "warm-up")
		if n != users || len(seen) != keys || hashes != hashed || payload && len(all) != users-1 {
			t.Errorf("%s: %d user records, %d keys, %d hash keys, %d different payloads; want %d, %d, %d", name, n, len(seen), hashes, len(all), users, keys, hashed)
		}
	}
	f("kpl-agg-1000.jsonl", 1001, 10, 0, true)
	f("kpl-agg-ehk-200.jsonl", 201, 10, 200, true)
	f("kpl-agg-5k-300.jsonl", 301, 50, 0, false)
}

// replay puts the records of a file of JSON lines.
func (r *rig) replay(file string) {
	r.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		r.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var rec struct{ PartitionKey, ExplicitHashKey, Data string }
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			r.Fatal(err)
		}
		data, err := base64.StdEncoding.DecodeString(rec.Data)
		if err != nil {
			r.Fatal(err)
		}
		in := &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: &rec.PartitionKey, Data: data}
		if rec.ExplicitHashKey != "" {
			in.ExplicitHashKey = &rec.ExplicitHashKey
		}
		if _, err := r.PutRecord(context.Background(), in); err != nil {
			r.Fatal(err)
		}
	}
}
