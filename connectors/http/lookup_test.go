package httpconn

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/connectors"
	"weir/connectors/option"
)

const one = `{"id": 7, "name": "seven", "score": 0.5}`

// TestRequests checks what a lookup sends for key 7 ("n 7").
func TestRequests(t *testing.T) {
	f := func(keys, want string, options ...string) {
		t.Helper()
		g := says(t, 200, one)
		l := g.mustLookup(keys, nil, options...)
		g.want(l, "0:7,seven,0.5", 7)
		if got := g.asked(); got != want {
			t.Errorf("%v:\n got %s\nwant %s", options, got, want)
		}
	}
	f("id", "GET /?id=7")
	f("id name", "GET /?id=7&name=n+7")
	f("id name", "GET /a?x=1&id=7&name=n+7", "url=BASE/a?x=1")
	f("id name", "GET /u/7?name=n+7", "url=BASE/u/{id}")
	f("id name", "GET /u/n%207/7", "url=BASE/u/{name}/{id}")
	f("id name", "GET /u/7?q=n+7", "url=BASE/u/{cid}?q={oid}", "http.request.url-map=id:cid,name:oid")
	f("id name", "GET /u/7?name=n+7", "url=BASE/u/{cid}", "http.request.url-map=cid:id", "http.request.query-param-fields=name")
	f("id name", `POST / {"id":7,"name":"n 7"}`, "lookup-method=POST")
	f("id name", `PUT /7 {"name":"n 7"}`, "lookup-method=PUT", "url=BASE/{id}")
	f("id name", `POST /?id=7 {"name":"n 7"}`, "lookup-method=POST", "http.request.query-param-fields=id", "http.request.body-fields=name")
	f("id name", `POST / {"id":7,"name":"n 7","v":[1]}`, "lookup-method=POST", `http.request.additional-body-json={"v":[1]}`)
	f("id", `POST /7 {"v":1}`, "lookup-method=POST", "url=BASE/{{id}}", `gid.connector.http.request.additional-body-json= {"v":1} `)
	f("id", `POST /7`, "lookup-method=POST", "url=BASE/{id}")
	f("id name", `POST / {"in": [[7, "n 7"]], "text": "is n 7, {no}"}`, "lookup-method=POST", `http.request.body-template={"in": [[{{id}}, {name}]], "text": "is {{name}}, {no}"}`)
	f("id name", `POST / name=n+7&id=7`, "lookup-method=POST", "http.request.body-template=name={{name}}&id={{id}}", "http.source.lookup.header.Content-Type=application/x-www-form-urlencoded")
	f("id name", `POST / 7,"n 7"`, "lookup-method=POST", "lookup-request.format=csv")
}

func TestWholeURL(t *testing.T) {
	g := says(t, 200, one)
	c := new(config)
	if err := decode(c, "{{name}}", "http.request.url-map=name:name"); err != nil {
		t.Fatal(err)
	}
	l, err := c.Lookup(&connectors.TableDesc{Name: "t", Columns: table}, g.scan("name"), g.env())
	if err != nil {
		t.Fatal(err)
	}
	_, err = ask(context.Background(), l.(*lookup), 7)
	wantText(t, err, `column "name" holds no URL`)
}

// TestAnswers checks which rows answers become.
func TestAnswers(t *testing.T) {
	f := func(body, want string, options ...string) {
		t.Helper()
		g := says(t, 200, body)
		g.want(g.mustLookup("id", nil, options...), want, 7)
	}
	f(one, "0:7,seven,0.5")
	f("  \n{\n \"name\":\n\"a\\nb\" }\n", "0:7,a\nb,NULL") // compared columns that are not there are filled in
	f(`[{"name":"a"},{"id":8,"name":"b","more":{"x":[1]}}]`, "0:7,a,NULL 0:8,b,NULL")
	f(`[]`, "")
	f(`null`, "")
	f("", "")
	f(`{"score": "x"}`, "0:7,NULL,NULL", "json.ignore-parse-errors=true")
	f("1,a,0.5\n2,b,1.5\n", "0:1,a,0.5 0:2,b,1.5", "format=csv")
}

func TestRawAnswer(t *testing.T) {
	g := says(t, 200, "two\nlines")
	c := g.configure("format=raw")
	cols := table[:2]
	l, err := c.Lookup(&connectors.TableDesc{Name: "t", Columns: cols}, connectors.LookupScan{Columns: cols, Keys: cols[:1]}, g.env())
	if err != nil {
		t.Fatal(err)
	}
	g.want(l.(*lookup), "0:7,two\nlines", 7)
}

func TestMetadata(t *testing.T) {
	all := []string{metaState, metaStatus, metaError, metaHeaders}
	g := serve(t, func(w http.ResponseWriter, r *http.Request, _ string, n int) {
		w.Header()["Date"] = nil
		w.Header().Add("X-A", "1")
		w.Header().Add("X-A", "2")
		switch r.URL.Query().Get("id") {
		case "7":
			io.WriteString(w, one)
		case "8":
			w.WriteHeader(404)
		case "9":
			w.WriteHeader(400)
			io.WriteString(w, "no such thing")
		case "10":
			io.WriteString(w, "<html>")
		}
	})
	l := g.mustLookup("id", all, "http.source.lookup.continue-on-error=true", "http.source.lookup.ignored-response-codes=404")
	head := func(n int) string {
		return fmt.Sprintf("{content-length=[%d], content-type=[text/plain; charset=utf-8], x-a=[1, 2]}", n)
	}
	g.want(l, "0:7,seven,0.5,SUCCESS,200,NULL,"+head(len(one)), 7)
	g.want(l, "0:8,NULL,NULL,SUCCESS,404,NULL,{content-length=[0], x-a=[1, 2]}", 8)
	g.want(l, "0:9,NULL,NULL,HTTP_ERROR_STATUS,400,GET "+g.url+"?id=9: status 400 Bad Request: no such thing: check what is sent; 'http.source.lookup.success-codes' says which codes are good,"+head(13), 9)
	g.want(l, "0:10,NULL,NULL,UNABLE_TO_DESERIALIZE_RESPONSE,200,<html>,{content-length=[6], content-type=[text/html; charset=utf-8], x-a=[1, 2]}", 10)
	quiet := g.mustLookup("id", nil, "http.source.lookup.continue-on-error=true", "http.source.lookup.ignored-response-codes=404")
	for _, id := range []int64{8, 9, 10} {
		g.want(quiet, "", id)
	}
	_, err := g.lookup("id", []string{"http-status"})
	wantText(t, err, `no metadata "http-status"`)
}

// TestErrors checks texts and kinds of errors.
func TestErrors(t *testing.T) {
	f := func(status int, body string, tries int, parts []string, options ...string) {
		t.Helper()
		g := says(t, status, body)
		g.wantError(g.mustLookup("id", nil, options...), append(parts, g.url+"?id=7")...)
		if g.count() != tries {
			t.Errorf("status %d was asked %d times, want %d", status, g.count(), tries)
		}
	}
	f(500, `{"oops": 1}`, 4, []string{"status 500 Internal Server Error", `{"oops": 1}`, "look at the server", "tried 4 times", "lookup.max-retries"})
	f(500, "", 1, []string{"status 500"}, "http.source.lookup.retry-codes=")
	f(503, "", 1, []string{"status 503"}, "lookup.max-retries=0")
	f(501, "", 1, []string{"501"}, "http.source.lookup.retry-codes=5XX,!501")
	f(404, "gone", 1, []string{"'http.source.lookup.ignored-response-codes' = '404'"})
	f(403, "", 1, []string{"check the credentials"})
	f(301, "", 1, []string{"points elsewhere"})
	f(200, `{"id": 7, "name`, 1, []string{"cannot be read as 'json'", `it begins with {"id": 7, "name`})
	f(200, `{"score": "much"}`, 1, []string{"cannot be read as 'json'", "score"})
	f(200, strings.Repeat("x", 3000), 1, []string{"more than the 2048 bytes of 'http.response.max-size'"}, "http.response.max-size=2 kb")
	f(400, strings.Repeat("ö", 3000), 1, []string{strings.Repeat("ö", 100) + "...:"})
}

func TestWrongURL(t *testing.T) {
	g := says(t, 200, one)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := "http://" + l.Addr().String()
	l.Close()
	g.wantError(g.mustLookup("id", nil, "url="+dead), dead, "connection refused", "check host and port in 'url'", "tried 4 times")
	g.wantError(g.mustLookup("id", nil, "url="+strings.Replace(g.url, "http:", "https:", 1)), "begins with http:// or https://")
	for url, want := range map[string]string{
		"ftp://x/":           "is no URL",
		"BASE/{nothing}":     "{nothing} stands for no column",
		"http://u:secret@h/": "holds a user",
	} {
		_, err := g.lookup("id", nil, "url="+url)
		wantText(t, err, want)
		if strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
}

func TestSlowAnswer(t *testing.T) {
	stop := make(chan struct{})
	g := serve(t, func(w http.ResponseWriter, r *http.Request, _ string, n int) {
		if n == 1 {
			select {
			case <-stop:
			case <-r.Context().Done():
			}
			return
		}
		io.WriteString(w, one)
	})
	defer close(stop)
	g.want(g.mustLookup("id", nil, "http.source.lookup.request.timeout=100 ms"), "0:7,seven,0.5", 7)
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request, _ string, _ int) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	l := silent.mustLookup("id", nil, "http.source.lookup.request.timeout=50 ms", "lookup.max-retries=1")
	silent.wantError(l, "no answer within 50ms", "http.source.lookup.request.timeout", "tried 2 times")
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	start := time.Now()
	if _, err := ask(ctx, silent.mustLookup("id", nil), 7); err != context.Canceled || time.Since(start) > 5*time.Second {
		t.Errorf("cancelled: %v after %s", err, time.Since(start))
	}
}

// TestDropped cuts the connection in the middle of the first answer.
func TestDropped(t *testing.T) {
	cut := func(w http.ResponseWriter) {
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":")
		buf.Flush()
		conn.Close()
	}
	g := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, n int) {
		if n == 1 {
			cut(w)
			return
		}
		io.WriteString(w, one)
	})
	g.want(g.mustLookup("id", nil), "0:7,seven,0.5", 7)
	if g.count() != 2 {
		t.Errorf("asked %d times", g.count())
	}
	g = serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, _ int) { cut(w) })
	g.wantError(g.mustLookup("id", nil), "in the middle of the answer, after 6 bytes")
}

func TestRetryAfter(t *testing.T) {
	g := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, n int) {
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(429)
			return
		}
		io.WriteString(w, one)
	})
	start := time.Now()
	l := g.mustLookup("id", nil)
	g.want(l, "0:7,seven,0.5", 7)
	if d := time.Since(start); d < 900*time.Millisecond {
		t.Errorf("sent again after %s", d)
	}
	if u := g.usage(); u.Calls != 2 || u.Failures != 1 || u.Received != int64(len(one)) {
		t.Errorf("usage: %d calls, %d failures, %d bytes", u.Calls, u.Failures, u.Received)
	}
	g = serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, _ int) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(429)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	start = time.Now()
	_, err := ask(ctx, g.mustLookup("id", nil), 7)
	wantText(t, err, "status 429", "lower 'http.rate-limit'", "no time is left for another attempt")
	if time.Since(start) > 2*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

func TestBatch(t *testing.T) {
	answer := `[{"name":"a"}, null, [{"name":"b"},{"name":"c"}]]`
	g := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, _ int) { io.WriteString(w, answer) })
	l := g.mustLookup("id", nil, "lookup-method=POST", "batch.max-size=10")
	if l.MaxKeys() != 10 {
		t.Error(l.MaxKeys())
	}
	g.want(l, "0:1,a,NULL 2:3,b,NULL 2:3,c,NULL", 1, 2, 3)
	if got, want := g.asked(), `POST / [{"id":1},{"id":2},{"id":3}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	g.wantError(l, "it has 3 values for 1 keys")
	answer = `{"name":"a"}`
	g.wantError(l, "must be a JSON array with a value for each key")
	_, err := g.lookup("id", nil, "batch.max-size=10")
	wantText(t, err, "'batch.max-size' puts the keys into the body")
}

// TestMistakes checks what is found when the query is planned.
func TestMistakes(t *testing.T) {
	g := says(t, 200, one)
	f := func(want string, options ...string) {
		t.Helper()
		_, err := g.lookup("id", nil, options...)
		wantText(t, err, want)
	}
	f("GET' has no body", "http.request.body-template={}")
	f(`names column "name", which the join does not compare`, "http.request.query-param-fields=name")
	f(`names column "x", which the join does not compare`, "http.request.url-map=x:y")
	f(`"idcid" is no pair`, "http.request.url-map=idcid")
	f("{{nome}} is no column that the join compares", "lookup-method=POST", "http.request.body-template={{nome}}")
	f("is no JSON object", "lookup-method=POST", "http.request.additional-body-json=[1]")
	f("go together", "http.security.oidc.token.request=a=b")
	f("signs the header Authorization", "aws.sigv4.service=execute-api", "http.security.basic.username=u")
	f("wants 'aws.credentials.basic.accesskeyid'", "aws.sigv4.service=execute-api", "aws.credentials.provider=BASIC")
	f(`header "a b"`, "http.source.lookup.header.a b=1")
	f("only taken with a 'url' on this machine", "http.security.cert.server.allowSelfSigned=true", "url=https://example.com/")
	if _, err := g.lookup("id name", nil, "http.request.query-param-fields=id"); err != nil || !strings.Contains(g.logged(), `column "name", which has no place in the request`) {
		t.Errorf("%v, warnings %s", err, g.logged())
	}
	c := new(config)
	err := decode(c, "http://h/", "http.source.lookup.success-codes=2XX,abc")
	wantText(t, err, `"ABC", which is no status code`)
	if err := decode(c, "http://h/", "http.source.lookup.request.timeout=7"); err != nil || c.timeout != 7*time.Second {
		t.Errorf("%v, %s", err, c.timeout)
	}
}

// TestConcurrent asks from many goroutines: answers must not mix, and connections are kept.
func TestConcurrent(t *testing.T) {
	var open, busy, most atomic.Int64
	g := &rig{T: t}
	s := &http.Server{ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			open.Add(1)
		}
	}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := busy.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer busy.Add(-1)
		id := r.URL.Query().Get("id")
		fmt.Fprintf(w, `[{"name":"a%s"},{"id":%s,"score":1.5}]`, id, id)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	g.url = "http://" + l.Addr().String()
	look := g.mustLookup("id", nil, "http.connections.max=8")
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 30 {
				id := int64(w*1000 + i)
				g.want(look, fmt.Sprintf("0:%d,a%d,NULL 0:%d,NULL,1.5", id, id, id), id)
			}
		}()
	}
	wg.Wait()
	if open.Load() > 40 || most.Load() > 8 {
		t.Errorf("%d connections were opened for 480 requests, %d requests were under way at once", open.Load(), most.Load())
	}
}

// TestSecrets looks for secrets in all that may be shown.
func TestSecrets(t *testing.T) {
	g := serve(t, func(w http.ResponseWriter, r *http.Request, _ string, _ int) {
		w.WriteHeader(500)
		fmt.Fprintf(w, "you sent %v to %s", r.Header, r.RequestURI)
	})
	secrets := []string{"hush-header", "hush-key", "hush-query", "hush-password", "hush-param", "aHVzaC11c2VyOmh1c2gtcGFzc3dvcmQ="}
	l := g.mustLookup("id", []string{metaError}, "url=BASE/x?code=hush-query", "http.source.lookup.header.X-Auth=hush-header", "http.security.api-key=hush-key", "http.security.query.sig=hush-param",
		"http.security.basic.username=hush-user", "http.security.basic.password=hush-password", "http.circuit-breaker.failures=2", "http.circuit-breaker.wait=1 ms")
	err := g.wantError(l, "code=***&id=7", "you sent")
	if g.head(0, "X-Auth") != "hush-header" || g.head(0, "x-api-key") != "hush-key" || !strings.Contains(g.asked(), "code=hush-query&id=7&sig=hush-param") {
		t.Fatalf("secrets were not sent: %s", g.asked())
	}
	if !strings.Contains(g.logged(), `the parameter "code" in 'url' looks like a secret`) {
		t.Errorf("no warning: %s", g.logged())
	}
	shown := err.Error() + g.logged() + l.Status() + g.endpoint
	if !strings.Contains(shown, "circuit breaker") {
		t.Errorf("nothing of the breaker: %s", shown)
	}
	for _, s := range secrets {
		if strings.Contains(shown, s) {
			t.Errorf("%q is shown: %s", s, shown)
		}
	}
	hidden := option.Secrets(map[string]option.Value{
		"http.source.lookup.header.X-Auth": {}, "gid.connector.http.source.lookup.header.A": {}, "http.sink.header.B": {}, "http.security.api-key": {}, "http.security.query.sig": {}, "http.security.basic.password": {},
		"http.security.oidc.token.request": {}, "aws.credentials.basic.secretkey": {}, "http.source.lookup.proxy.password": {}, "url": {},
	}, new(config))
	if len(hidden) != 9 || hidden["url"] {
		t.Errorf("hidden options: %v", hidden)
	}
}

// BenchmarkAsk asks a service that takes 50 ms from 100 goroutines: calls/s may come near 2000.
func BenchmarkAsk(b *testing.B) {
	t := new(testing.T)
	g := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, _ int) {
		time.Sleep(50 * time.Millisecond)
		io.WriteString(w, one)
	})
	l := g.mustLookup("id", nil)
	b.ResetTimer()
	var n atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				if _, err := ask(context.Background(), l, i); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
