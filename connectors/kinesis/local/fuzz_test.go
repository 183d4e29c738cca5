package local

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FuzzRequests: no bytes of a request make the server panic or answer with a fault of its own.
func FuzzRequests(f *testing.F) {
	s, err := Open(Options{ShardLimit: 50})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close(context.Background()) })
	send := func(operation, contentType string, body []byte) *httptest.ResponseRecorder {
		life := time.Minute
		if operation == "SubscribeToShard" {
			life = time.Millisecond
		}
		ctx, cancel := context.WithTimeout(context.Background(), life)
		defer cancel()
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)).WithContext(ctx)
		r.Header["X-Amz-Target"], r.Header["Content-Type"] = []string{targetPrefix + operation}, []string{contentType}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	send("CreateStream", jsonContentType, []byte(`{"StreamName":"s","ShardCount":2}`))
	send("RegisterStreamConsumer", jsonContentType, []byte(`{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","ConsumerName":"c"}`))
	for _, seed := range []string{`{}`, `{"StreamName":"s"}`, `{"StreamName":"s","Data":"YQ==","PartitionKey":"k"}`,
		`{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1.5}`, `{"StreamName":"s","Limit":-1}`,
		`{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","ConsumerName":"c"}`, `{"StreamName":"s","TargetShardCount":3,"ScalingType":"UNIFORM_SCALING"}`,
		`{"StreamName":"s","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"99999999999999999999"}`, `{"NextToken":"AAAA"}`,
		`{"ConsumerARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1","ShardId":"shardId-000000000000","StartingPosition":{"Type":"AT_TIMESTAMP","Timestamp":1}}`, "\xa1jStreamNameas", "\xa1\xbf\xff", "\xc1\x1b\xff\xff\xff\xff\xff\xff\xff\xff"} {
		f.Add(uint8(len(seed)), false, []byte(seed))
		f.Add(uint8(len(seed)*7), true, []byte(seed))
	}
	var names []string
	for name := range operationTable() {
		names = append(names, name)
	}
	slices.Sort(names)
	f.Fuzz(func(t *testing.T, operation uint8, binary bool, body []byte) {
		contentType := jsonContentType
		if binary {
			contentType = cborContentType
		}
		name := names[int(operation)%len(names)]
		if w := send(name, contentType, body); w.Code >= 500 {
			t.Errorf("%s of %q: %d %s", name, body, w.Code, w.Body)
		}
	})
}

// FuzzRecords: what is stored reads back, and no other bytes are taken for a record.
func FuzzRecords(f *testing.F) {
	f.Add("key", []byte("data"))
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		stored := appendRecord(nil, recordPlain, key, data)
		if len(stored) != recordBytes(key, data) {
			t.Errorf("%d bytes, said %d", len(stored), recordBytes(key, data))
		}
		gotKey, gotData, err := splitRecord(stored)
		if err != nil || string(gotKey) != key || !bytes.Equal(gotData, data) {
			t.Errorf("%q %q %v", gotKey, gotData, err)
		}
		splitRecord(data) // must not panic
	})
}

// A store whose log or tables were changed on the disk gives errors or fewer records at its end, never other records.
func TestCorruption(t *testing.T) {
	for seed := range 60 {
		disk := vfs.NewMem()
		s, err := Open(Options{fs: disk, MemTableBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		call(t, s, nil, targetPrefix+"CreateStream", jsonContentType, `{"StreamName":"s","ShardCount":1}`)
		var want []string
		for i := range 300 {
			data := strings.Repeat(string(rune('a'+i%26)), 200)
			want = append(want, data)
			if _, err := s.put(t.Context(), s.catalog.named("s"), []putEntry{{key: "k", data: []byte(data)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !corrupt(t, disk, seed) {
			continue
		}
		if s, err = Open(Options{fs: disk}); err != nil {
			continue // detected at once
		}
		st := s.catalog.named("s")
		if st == nil {
			t.Errorf("seed %d: the stream is gone without an error", seed)
			continue
		}
		page, err := s.readPage(st, st.shards[0], 0, 10_000, 1<<30, nil)
		for i, r := range page.records {
			if i >= len(want) || string(r.Data) != want[i] {
				t.Errorf("seed %d: record %d is %.20q, want %.20q", seed, i, r.Data, want[i])
				break
			}
		}
		if err == nil && len(page.records) < len(want) {
			t.Logf("seed %d: %d of %d records without an error: the end of the log was cut", seed, len(page.records), len(want))
		}
		s.Close(t.Context())
	}
}

// corrupt flips a byte of a table or a log, another one for each seed.
func corrupt(t *testing.T, disk *vfs.MemFS, seed int) bool {
	names, err := disk.List("kinesis")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".log") {
			files = append(files, disk.PathJoin("kinesis", name))
		}
	}
	name := files[seed%len(files)]
	f, err := disk.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, info.Size())
	if len(text) == 0 {
		return false
	}
	if _, err := f.ReadAt(text, 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	text[(seed*7919)%len(text)] ^= 0x40
	out, err := disk.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	out.Sync()
	out.Close()
	return true
}
