package sagemaker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/connectors/models/modelstest"
)

const (
	score = "amount DOUBLE, mcc STRING -> score DOUBLE"
	two   = "amount DOUBLE, age INT -> label STRING, score DOUBLE"
)

// guarded takes signed requests only.
func guarded(t *testing.T, answer func(body string, n int) string) *modelstest.Server {
	return modelstest.Serve(t, func(w http.ResponseWriter, r *http.Request, body string, n int) {
		if why := modelstest.CheckSignature(r, body, "us-west-2", "sagemaker", time.Now()); why != "" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"message": %q}`, why)
			return
		}
		io.WriteString(w, answer(body, n))
	})
}

func options(s *modelstest.Server, more ...string) []string {
	return append(append(modelstest.Signed("us-west-2"), "aws.endpoint="+s.URL, "endpoint-name=fraud"), more...)
}

func TestBodies(t *testing.T) {
	rows := []string{"10|a", "20.5|"}
	numbers := []string{"1|2", "|4"}
	for _, c := range []struct {
		columns string
		rows    []string
		options string
		body    string
		answer  string
		want    string
	}{
		{score, rows[:1], "", `{"amount":10.0,"mcc":"a"}`, `{"score": 0.5, "more": 1}`, "0:0.5"},
		{score, rows[:1], "", `{"amount":10.0,"mcc":"a"}`, `[0.5]`, "0:0.5"},
		{score, rows[:1], "", `{"amount":10.0,"mcc":"a"}`, `0.5`, "0:0.5"},
		{score, rows[:1], "", `{"amount":10.0,"mcc":"a"}`, `null`, ""},
		{score, rows[:1], "response.path=result.scores[1]", `{"amount":10.0,"mcc":"a"}`, `{"result": {"scores": [1, 2]}}`, "0:2.0"},
		{score, rows, "batch.max-size=5", `[{"amount":10.0,"mcc":"a"},{"amount":20.5,"mcc":null}]`, `[{"score": 1}, null]`, "0:1.0"},
		{score, rows, "batch.max-size=5 request.field=instances response.path=predictions", `{"instances":[{"amount":10.0,"mcc":"a"},{"amount":20.5,"mcc":null}]}`, `{"predictions": [1, [2]]}`, "0:1.0 1:2.0"},
		{two, numbers, "batch.max-size=5 request.field=instances request.shape=array response.path=predictions", `{"instances":[[1.0,2],[null,4]]}`, `{"predictions": [["x", 1], {"score": 2}]}`, "0:x,1.0 1:NULL,2.0"},
		{two, numbers[:1], "request.field=instances request.shape=features response.path=predictions", `{"instances":[{"features":[1.0,2]}]}`, `{"predictions": [{"label": "x", "score": 3}]}`, "0:x,3.0"},
		{two, numbers, "batch.max-size=5 content-type=application/jsonlines", "{\"amount\":1.0,\"age\":2}\n{\"amount\":null,\"age\":4}", "{\"label\":\"a\",\"score\":1}\n{\"label\":\"b\",\"score\":2}\n", "0:a,1.0 1:b,2.0"},
		{two, numbers, "batch.max-size=5 content-type=text/csv", "1.0,2\n,4", "a,1\n\"b,c\",2.5e-1\n", "0:a,1.0 1:b,c,0.25"},
		{score, rows, "batch.max-size=5 content-type=text/csv", "10.0,a\n20.5,", "0.25,0.75", "0:0.25 1:0.75"},
		{two, numbers[:1], "content-type=text/csv accept=application/json response.path=predictions[0]", "1.0,2", `{"predictions":[{"label":"x","score":1}]}`, "0:x,1.0"},
		{"a INT -> label STRING", []string{"1"}, "content-type=text/csv", "1", "007\n", "0:007"},
		{score, rows, "batch.max-size=5", "", `[1]`, "POST & /endpoints/fraud/invocations: the answer cannot be used: it has 1 values for 2 inputs; it begins with [1]"},
		{score, rows, "batch.max-size=5 content-type=text/csv", "", "1\n2\n3", "it has 3 lines for 2 inputs"},
		{two, numbers[:1], "content-type=text/csv", "", "1", "line 1: it has 1 values for the 2 outputs label STRING, score DOUBLE"},
		{score, rows[:1], "", "", `{"score": "high"}`, "the answer cannot be used"},
		{score, rows[:1], "", "", `{"score": `, "it is no JSON"},
		{score, rows[:1], "response.path=predictions", "", `{"score": 1}`, `it has no "predictions"`},
	} {
		s := guarded(t, func(string, int) string { return c.answer })
		s.Want(Provider, c.columns, c.rows, c.want, options(s, strings.Fields(c.options)...)...)
		q := s.Seen()[0]
		if c.body != "" && q.Body != c.body {
			t.Errorf("%s\nsent %q\nwant %q", c.options, q.Body, c.body)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := guarded(t, func(string, int) string { return "1" })
	s.Want(Provider, score, []string{"1|a"}, "0:1.0", options(s, "endpoint-name=a b", "content-type=text/csv", "target-model=m.tar.gz", "target-variant=blue", "target-container-hostname=h",
		"inference-component-name=c", "custom-attributes=trace=1")...)
	q := s.Seen()[0]
	if q.Line != "POST /endpoints/a%20b/invocations" {
		t.Error(q.Line)
	}
	signed := q.Header.Get("Authorization")
	for name, want := range map[string]string{"Content-Type": "text/csv", "Accept": "text/csv", "X-Amzn-SageMaker-Target-Model": "m.tar.gz", "X-Amzn-SageMaker-Target-Variant": "blue",
		"X-Amzn-SageMaker-Target-Container-Hostname": "h", "X-Amzn-SageMaker-Inference-Component": "c", "X-Amzn-SageMaker-Custom-Attributes": "trace=1"} {
		if got := q.Header.Get(name); got != want {
			t.Errorf("header %s: %q, want %q", name, got, want)
		}
		if strings.HasPrefix(name, "X-") && !strings.Contains(signed, strings.ToLower(name)) {
			t.Errorf("header %s is not signed: %s", name, signed)
		}
	}
}

func TestFailures(t *testing.T) {
	s := modelstest.Serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, n int) {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(429)
		case 2:
			w.WriteHeader(503)
		case 3:
			io.WriteString(w, "1")
		case 4:
			w.WriteHeader(424)
			io.WriteString(w, `{"ErrorCode":"CLIENT_ERROR_FROM_MODEL","Message":"Received client error (400) from model","OriginalStatusCode":400}`)
		case 5:
			w.WriteHeader(400)
			io.WriteString(w, `{"message":"Endpoint fraud of account 123 not found."}`)
		}
	})
	s.Want(Provider, score, []string{"1|a"}, "0:1.0", options(s)...)
	s.Want(Provider, score, []string{"1|a"}, "status 424 & CLIENT_ERROR_FROM_MODEL & the model failed: look at its log in CloudWatch", options(s)...)
	s.Want(Provider, score, []string{"1|a"}, "status 400 & Endpoint fraud of account 123 not found. & check 'endpoint-name'", options(s)...)
	s.Want(Provider, score, []string{"1|a"}, "'response.path' is a place in JSON", options(s, "content-type=text/csv", "response.path=x")...)
	s.Want(Provider, score, []string{"1|a"}, "say how JSON is written, 'content-type' is \"text/csv\"", options(s, "content-type=text/csv", "request.field=x")...)
	g := guarded(t, func(string, int) string { return "" })
	g.Want(Provider, score, []string{"1|a"}, "status 403 Forbidden & credential & check the credentials, the clock of this machine and 'aws.region'", options(g, "aws.region=eu-west-1")...)
}

// TestCombined has requests that wait for each other.
func TestCombined(t *testing.T) {
	s := guarded(t, func(body string, _ int) string { return body }) // a CSV of what was asked
	l, scan, err := s.Model(Provider, "a INT -> b INT", options(s, "content-type=text/csv", "batch.max-size=8", "batch.linger=300 ms")...)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			got, err := modelstest.Ask(context.Background(), l, scan, fmt.Sprint(10+i), fmt.Sprint(50+i))
			if want := fmt.Sprintf("0:%d 1:%d", 10+i, 50+i); err != nil || got != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		}()
	}
	wg.Wait()
	if n := len(s.Seen()); n != 3 {
		t.Errorf("%d requests for 24 inputs, 8 a request", n)
	}
	start := time.Now()
	if got, err := modelstest.Ask(context.Background(), l, scan, "7"); err != nil || got != "0:7" || time.Since(start) < 250*time.Millisecond {
		t.Errorf("one that waits alone: %s, %v after %s", got, err, time.Since(start))
	}
	// Who gives up takes nothing with it; a call that nobody waits for is not made.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	before := len(s.Seen())
	if _, err := modelstest.Ask(ctx, l, scan, "8"); err == nil {
		t.Error("no error")
	}
	time.Sleep(400 * time.Millisecond)
	if n := len(s.Seen()); n != before {
		t.Errorf("%d requests more", n-before)
	}
}

// moto is a server of somebody else's; started by ../../../../shared/kinesis/servers/start moto.
const moto = "127.0.0.1:5000"

// TestMoto asks a SageMaker runtime that is not of this repository.
func TestMoto(t *testing.T) {
	c, err := net.DialTimeout("tcp", moto, time.Second)
	if err != nil {
		t.Skipf("SKIPPED: no SageMaker runtime on %s; start one with ../shared/kinesis/servers/start moto", moto)
	}
	c.Close()
	s := modelstest.Says(t, 200, "")
	queue := `{"region":"us-west-2","results":[{"Body":"0.25\n0.75","ContentType":"text/csv","InvokedProductionVariant":"blue","CustomAttributes":""}]}`
	r, err := http.Post("http://"+moto+"/moto-api/static/sagemaker/endpoint-results", "application/json", bytes.NewReader([]byte(queue)))
	if err != nil || r.StatusCode != 201 {
		t.Fatalf("%v %v", r, err)
	}
	r.Body.Close()
	name := fmt.Sprintf("endpoint-name=fraud-%d", time.Now().UnixNano())
	at := append(modelstest.Signed("us-west-2"), "aws.endpoint=http://"+moto, name, "content-type=text/csv", "batch.max-size=10")
	s.Want(Provider, score, []string{"10|a", "20|b"}, "0:0.25 1:0.75", at...)
}
