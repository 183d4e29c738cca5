package local

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// call sends one raw request and returns the status, the headers and the body.
func call(t *testing.T, s *Server, change func(*http.Request), target, contentType, body string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestEnvelope(t *testing.T) {
	r := newRig(t, Options{})
	f := func(what string, change func(*http.Request), target, contentType, body string, status int, want string) {
		t.Helper()
		reply := call(t, r.server, change, target, contentType, body)
		got := text(t, reply)
		if reply.StatusCode != status || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s, want %d with %s", what, reply.StatusCode, got, status, want)
		}
		if len(reply.Header.Get("X-Amzn-Requestid")) != 36 {
			t.Errorf("%s: no request id", what)
		}
	}
	const list, jsonType = "Kinesis_20131202.ListStreams", "application/x-amz-json-1.1"
	f("good", nil, list, jsonType, `{}`, 200, `"StreamNames":[]`)
	f("unknown member", nil, list, jsonType, `{"Colour":"red"}`, 200, `"StreamNames":[]`)
	f("charset", nil, list, jsonType+"; charset=utf-8", `{}`, 200, `"StreamNames":[]`)
	f("unsigned", func(r *http.Request) { r.Header.Del("Authorization") }, list, jsonType, `{}`, 400, `"__type":"MissingAuthenticationTokenException"`)
	f("old signature", func(r *http.Request) { r.Header.Set("Authorization", "Basic eDp5") }, list, jsonType, `{}`, 400, `"__type":"IncompleteSignatureException"`)
	f("unknown operation", nil, "Kinesis_20131202.Nope", jsonType, `{}`, 400, `"__type":"UnknownOperationException"`)
	f("other service", nil, "DynamoDB_20120810.ListStreams", jsonType, `{}`, 400, `"__type":"UnknownOperationException"`)
	f("no content type", nil, list, "", `{}`, 404, `"__type":"UnknownOperationException"`)
	f("GET", func(r *http.Request) { r.Method, r.URL.Path = http.MethodGet, "/nowhere" }, list, jsonType, ``, 404, `"__type":"UnknownOperationException"`)
	f("not JSON", nil, list, jsonType, `{`, 400, `"__type":"SerializationException"`)
	f("wrong type", nil, list, jsonType, `{"Limit":"x"}`, 400, `"__type":"SerializationException"`)
	f("error", nil, "Kinesis_20131202.DescribeStream", jsonType, `{"StreamName":"nope"}`, 400,
		`{"__type":"ResourceNotFoundException","message":"Stream nope under account 000000000000 not found."}`)
	f("two faults", nil, "Kinesis_20131202.PutRecord", jsonType, `{"StreamName":"a b","PartitionKey":"k"}`, 400, `2 validation errors detected: Value 'a b' at 'streamName'`)
	f("null member", nil, "Kinesis_20131202.GetRecords", jsonType, `{}`, 400, `1 validation error detected: Value null at 'shardIterator' failed to satisfy constraint: Member must not be null`)
	f("huge body", nil, list, jsonType, strings.Repeat(" ", maxBodyBytes+1), 413, `"__type":"RequestEntityTooLargeException"`)
	f("no output", nil, "Kinesis_20131202.CreateStream", jsonType, `{"StreamName":"s","ShardCount":1}`, 200, ``)
}

// The same calls in CBOR: blobs are byte strings and times are tag 1 with milliseconds.
func TestCBOR(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	r.create("s", 1)
	do := func(op string, request any, response any) {
		t.Helper()
		body, err := cbor.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		reply := call(t, r.server, nil, targetPrefix+op, cborContentType, string(body))
		got := text(t, reply)
		if reply.Header.Get("Content-Type") != cborContentType {
			t.Errorf("content type %q", reply.Header.Get("Content-Type"))
		}
		if err := cbor.Unmarshal([]byte(got), response); err != nil {
			t.Fatalf("%s: %v in %q", op, err, got)
		}
	}
	var put struct{ ShardId, SequenceNumber string }
	do("PutRecord", map[string]any{"StreamName": "s", "PartitionKey": "k", "Data": []byte{0, 255}}, &put)
	same(t, "shard", put.ShardId, shardID(0))
	var it struct{ ShardIterator string }
	do("GetShardIterator", map[string]any{"StreamName": "s", "ShardId": put.ShardId, "ShardIteratorType": "AT_TIMESTAMP",
		"Timestamp": cbor.Tag{Number: 1, Content: c.Now().UnixMilli()}}, &it)
	var page struct {
		Records []struct {
			Data                        []byte
			PartitionKey                string
			ApproximateArrivalTimestamp cbor.Tag
		}
	}
	do("GetRecords", map[string]any{"ShardIterator": it.ShardIterator}, &page)
	if len(page.Records) != 1 || !bytes.Equal(page.Records[0].Data, []byte{0, 255}) || page.Records[0].PartitionKey != "k" {
		t.Fatalf("records %v", page.Records)
	}
	same(t, "arrival", page.Records[0].ApproximateArrivalTimestamp, cbor.Tag{Number: 1, Content: uint64(c.Now().UnixMilli())})
	var fault map[string]string
	do("DescribeStream", map[string]any{"StreamName": "nope"}, &fault)
	same(t, "error", fault["__type"], "ResourceNotFoundException")
	// An indefinite-length map, as the Java SDK writes them.
	reply := call(t, r.server, nil, targetPrefix+"ListStreams", cborContentType, "\xbf\x65Limit\x01\xff")
	same(t, "indefinite map", reply.StatusCode, 200)
}

// Responses written by hand must say what reflection would.
func TestHandWrittenJSON(t *testing.T) {
	response := &getRecordsResponse{
		Records: []recordShape{
			{SequenceNumber: "1", ApproximateArrivalTimestamp: timestampOfMillis(1459799926480), Data: []byte{1, 2}, PartitionKey: "a\"<ü"},
			{SequenceNumber: "2", Data: []byte{}, PartitionKey: "b", EncryptionType: "KMS"},
		},
		NextShardIterator: "next", MillisBehindLatest: 7,
		ChildShards: []childShard{{ShardID: "c", ParentShards: []string{"p"}}},
	}
	var want, got any
	reflected, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	written := response.appendJSON(nil)
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatalf("%v in %s", err, written)
	}
	if err := json.Unmarshal(reflected, &want); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	same(t, "json", string(a), string(b))
}

// Clients of HTTP/2 without TLS are served too.
func TestHTTP2PriorKnowledge(t *testing.T) {
	r := newRig(t, Options{})
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	reply, err := client.Get(r.server.URL() + healthPath)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	same(t, "protocol", reply.ProtoMajor, 2)
	same(t, "health", text(t, reply), healthText)
}

func TestLifecycle(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "example.org:1", ":4567", "nonsense"} {
		s, err := Open(Options{Addr: addr})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(); err == nil || !strings.Contains(err.Error(), addr) {
			t.Errorf("start on %q: %v", addr, err)
		}
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open(Options{AccountID: "1"}); err == nil || !strings.Contains(err.Error(), `"1"`) {
		t.Errorf("account id 1: %v", err)
	}
	r := newRig(t, Options{})
	if r.server.Start() == nil {
		t.Error("a second start is accepted")
	}
	same(t, "taken address", func() string {
		s, err := Open(Options{Addr: strings.TrimPrefix(r.server.URL(), "http://")})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(context.Background())
		err = s.Start()
		return strings.SplitAfter(err.Error(), "cannot listen")[0]
	}(), "kinesis server cannot listen")
	if err := r.server.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	reply := call(t, r.server, nil, "Kinesis_20131202.ListStreams", jsonContentType, `{}`)
	same(t, "status after close", reply.StatusCode, http.StatusServiceUnavailable)
}

// Close waits for the puts which are on their way.
func TestCloseFinishesRequests(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, Options{Dir: dir})
	r.create("s", 1)
	done := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			reply := call(t, r.server, nil, targetPrefix+"PutRecord", jsonContentType, `{"StreamName":"s","PartitionKey":"k","Data":"YQ=="}`)
			if reply.StatusCode != 200 {
				same(t, "status", reply.StatusCode, http.StatusServiceUnavailable)
				break
			}
		}
		done <- n
	}()
	time.Sleep(20 * time.Millisecond)
	if err := r.server.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	acknowledged := <-done
	again := newRig(t, Options{Dir: dir})
	same(t, "records", len(again.drain("s", 0)), acknowledged)
}
