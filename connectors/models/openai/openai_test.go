package openai

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/connectors/models/modelstest"
)

const text = "review STRING -> label STRING"

// options are the needed ones, for a path, and more.
func options(s *modelstest.Server, path string, more ...string) []string {
	return append([]string{"endpoint=" + s.URL + path, "api-key=hush-key", "model=gpt-4o-mini"}, more...)
}

// chat answers as the service does.
func chat(content, reason string) string {
	return fmt.Sprintf(`{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":%q,"refusal":null},"finish_reason":%q}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}`, content, reason)
}

func TestRequest(t *testing.T) {
	s := modelstest.Says(t, 200, chat("good", "stop"))
	s.Want(Provider, text, []string{"I <3 it"}, "0:good", options(s, "/v1/chat/completions/")...)
	s.Want(Provider, text, []string{""}, "", options(s, "/v1/chat/completions")...)
	s.Want(Provider, "a INT, b STRING -> label STRING", []string{`7|say "x"`}, "0:good", options(s, "/v1/chat/completions?api-version=2", "prompt={{b}} for {{a}} {c}", "system-prompt=Be short.", "temperature=0", "topP=0.5",
		"stop=END,\n", "max-tokens=5", "presence-penalty=-1", "n=1", "seed=42", "response-format=json_object", "http.source.lookup.header.OpenAI-Organization=hush-org")...)
	want := []string{
		`POST /v1/chat/completions/ {"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"I \u003c3 it"}]}`,
		`POST /v1/chat/completions?api-version=2 {"model":"gpt-4o-mini","messages":[{"role":"system","content":"Be short."},{"role":"user","content":"say \"x\" for 7 {c}"}],"temperature":0,"top_p":0.5,"stop":["END","\n"],"max_tokens":5,"presence_penalty":-1,"n":1,"seed":42,"response_format":{"type":"json_object"}}`,
	}
	seen := s.Seen()
	if len(seen) != len(want) {
		t.Fatalf("%d requests, want %d: a NULL is not asked for", len(seen), len(want))
	}
	for i, q := range seen {
		if got := q.Line + " " + q.Body; got != want[i] {
			t.Errorf("request %d\n got %s\nwant %s", i, got, want[i])
		}
		if a := q.Header.Get("Authorization"); a != "Bearer hush-key" || q.Header.Get("Content-Type") != "application/json" || q.Header.Get("Accept") != "application/json" {
			t.Errorf("headers %v", q.Header)
		}
	}
	if seen[1].Header.Get("Openai-Organization") != "hush-org" {
		t.Errorf("headers %v", seen[1].Header)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ columns, answer, want string }{
		{text, chat("fine, \"so\"\nto say", "stop"), "0:fine, \"so\"\nto say"},
		{text, chat("cut o", "length"), "0:cut o"},
		{text, `{"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]}`, "0:a 0:b"},
		{text, `{"choices":[{"message":{"content":null},"finish_reason":"tool_calls"}]}`, "0:"},
		{"x STRING -> label STRING, score DOUBLE", chat("```json\n{\"score\": 0.5, \"label\": \"up\", \"why\": 1}\n```", "stop"), "0:up,0.5"},
		{"x STRING -> score DOUBLE", chat(" 0.25\n", "stop"), "0:0.25"},
		{"x STRING -> yes BOOLEAN", chat("true", "stop"), "0:TRUE"},
		{"x STRING -> score DOUBLE", chat("I think so", "stop"), `the model did not answer with JSON, which the outputs score DOUBLE are read from: tell it to in its prompt; it begins with {"id"`},
		{"x STRING -> label STRING, score DOUBLE", chat(`{"label": "u`, "length"), "did not answer with JSON & it was cut off: raise 'max-tokens'"},
		{"x STRING -> score DOUBLE", chat(`{"score": "high"}`, "stop"), "the answer cannot be used & score"},
		{text, chat("", "content_filter"), "POST & /v1/chat/completions: the answer cannot be used: a content filter withheld it"},
		{text, `{"choices":[{"message":{"content":null,"refusal":"I cannot"},"finish_reason":"stop"}]}`, "the model refused: I cannot"},
		{text, `{"choices":[]}`, `it has no "choices"`},
		{text, `{"choices":`, "it is no JSON of a chat completion: unexpected end"},
		{text, `<html>busy</html>`, "it is no JSON of a chat completion & it begins with <html>busy</html>"},
	} {
		s := modelstest.Says(t, 200, c.answer)
		s.Want(Provider, c.columns, []string{"q"}, c.want, options(s, "/v1/chat/completions")...)
	}
}

func TestEmbeddings(t *testing.T) {
	s := modelstest.Serve(t, func(w http.ResponseWriter, _ *http.Request, body string, n int) {
		if n == 1 {
			io.WriteString(w, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]}],"model":"e","usage":{"prompt_tokens":1,"total_tokens":1}}`)
			return
		}
		io.WriteString(w, `{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]}`)
	})
	const columns = "x STRING -> v ARRAY<FLOAT>"
	s.Want(Provider, columns, []string{"a"}, "0:[0.5, -1.0]", options(s, "/v1/embeddings", "dimension=2")...)
	s.Want(Provider, columns, []string{"a", "", "b"}, "0:[1.0] 2:[2.0]", options(s, "/v1/embeddings", "batch.max-size=10")...)
	s.Want(Provider, columns, []string{"a", "b", "c"}, "it has 2 embeddings for 3 inputs", options(s, "/v1/embeddings", "batch.max-size=10")...)
	want := []string{`{"model":"gpt-4o-mini","input":"a","encoding_format":"float","dimensions":2}`, `{"model":"gpt-4o-mini","input":["a","b"],"encoding_format":"float"}`}
	for i, w := range want {
		if got := s.Seen()[i]; got.Body != w || got.Line != "POST /v1/embeddings" {
			t.Errorf("%s %s, want %s", got.Line, got.Body, w)
		}
	}
	s.Want(Provider, text, []string{"a"}, "embeddings have one output, of type ARRAY<FLOAT>", options(s, "/v1/embeddings")...)
}

func TestFailures(t *testing.T) {
	good := chat("good", "stop")
	for _, c := range []struct {
		name    string
		answer  func(w http.ResponseWriter, r *http.Request, body string, n int)
		want    string
		calls   int
		options []string
	}{
		{"429, then 500", func(w http.ResponseWriter, _ *http.Request, _ string, n int) {
			switch n {
			case 1:
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(429)
			case 2:
				w.WriteHeader(500)
			default:
				io.WriteString(w, good)
			}
		}, "0:good", 3, nil},
		{"401", func(w http.ResponseWriter, r *http.Request, _ string, _ int) {
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s","type":"invalid_request_error","code":"invalid_api_key"}}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		}, "status 401 Unauthorized & Incorrect API key provided: *** & check 'api-key'", 1, nil},
		{"400", func(w http.ResponseWriter, _ *http.Request, _ string, _ int) {
			w.WriteHeader(400)
			io.WriteString(w, `{"error":{"message":"The response was filtered","code":"content_filter"}}`)
		}, "status 400 Bad Request & content_filter & check the model's options", 1, nil},
		{"retries bounded", func(w http.ResponseWriter, _ *http.Request, _ string, _ int) { w.WriteHeader(503) }, "status 503 & (tried 3 times; 'retry-num' is the limit)", 3, []string{"retry-num=2"}},
		{"failover", func(w http.ResponseWriter, _ *http.Request, _ string, _ int) { w.WriteHeader(503) }, "status 503 & look at the service", 1, []string{"error-handling-strategy=FAILOVER"}},
		{"ignored", func(w http.ResponseWriter, _ *http.Request, _ string, _ int) { w.WriteHeader(503) }, "", 1, []string{"error-handling-strategy=ignore"}},
		{"ignored in the end", func(w http.ResponseWriter, _ *http.Request, _ string, _ int) { w.WriteHeader(503) }, "", 2, []string{"retry-num=1", "retry-fallback-strategy=ignore"}},
		{"slow", func(w http.ResponseWriter, r *http.Request, _ string, n int) {
			if n == 1 {
				<-r.Context().Done()
			}
			io.WriteString(w, good)
		}, "0:good", 2, []string{"http.source.lookup.request.timeout=50 ms"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := modelstest.Serve(t, c.answer)
			s.Want(Provider, text, []string{"q"}, c.want, options(s, "/v1/chat/completions", c.options...)...)
			if n := len(s.Seen()); n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
			if strings.Contains(s.Logged(), "hush") {
				t.Errorf("a secret is logged: %s", s.Logged())
			}
			if c.want == "" && !strings.Contains(s.Logged(), "inputs without an answer are left out") {
				t.Errorf("not logged: %q", s.Logged())
			}
		})
	}
}

// TestUnreachable tells which option is to be looked at.
func TestUnreachable(t *testing.T) {
	s := modelstest.Says(t, 200, "")
	for at, want := range map[string]string{
		"http://127.0.0.1:1":                         "POST http://127.0.0.1:1/v1/chat/completions & connection refused: check host and port in 'endpoint', and that the server runs",
		strings.Replace(s.URL, "http:", "https:", 1): "check that 'endpoint' begins with http:// or https:// as its server does",
	} {
		s.Want(Provider, text, []string{"q"}, want, "endpoint="+at+"/v1/chat/completions", "api-key=k", "model=m", "retry-num=0")
	}
}

// TestHang gives up when the one who asks does.
func TestHang(t *testing.T) {
	s := modelstest.Serve(t, func(_ http.ResponseWriter, r *http.Request, _ string, _ int) { <-r.Context().Done() })
	l, scan, err := s.Model(Provider, text, options(s, "/v1/chat/completions")...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := modelstest.Ask(ctx, l, scan, "q"); err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("error %v after %s", err, time.Since(start))
	}
}

func TestOptions(t *testing.T) {
	s := modelstest.Says(t, 200, "")
	for _, c := range []struct{ columns, want, options string }{
		{text, `option "endpoint": the path of the URL ends with neither /chat/completions nor /embeddings`, "endpoint=" + s.URL + "/v1 api-key=k model=m"},
		{text, `option "endpoint" is no URL that can be asked`, "endpoint=ftp://x/chat/completions api-key=k model=m"},
		{text, `'batch.max-size' is for embeddings`, "endpoint=" + s.URL + "/chat/completions api-key=k model=m batch.max-size=2"},
		{text, `"api-key"`, "endpoint=" + s.URL + "/chat/completions model=m"},
		{text, `"temperature"`, "endpoint=" + s.URL + "/chat/completions api-key=k model=m temperature=warm"},
		{text, `is not from 0 to 2`, "endpoint=" + s.URL + "/chat/completions api-key=k model=m temperature=3"},
		{text, `is no whole number`, "endpoint=" + s.URL + "/chat/completions api-key=k model=m seed=1.5"},
		{text, `option "prompt": {{other}} is no input of the model: it has review`, "endpoint=" + s.URL + "/chat/completions api-key=k model=m prompt={{other}}"},
		{"a STRING, b INT -> c STRING", `the model has the inputs a STRING, b INT: it takes one of type STRING, or the option 'prompt'`, "endpoint=" + s.URL + "/chat/completions api-key=k model=m"},
	} {
		s.Want(Provider, c.columns, []string{"q"}, c.want, strings.Fields(c.options)...)
	}
	if n := len(s.Seen()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func TestContext(t *testing.T) {
	for _, c := range []struct{ in, action, want string }{
		{"a b c", "truncated-tail", "a b c"},
		{"one two, three four", "truncated-tail", "one two,"},
		{"one two, three four", "truncated-head", " three four"},
		{"abcdefghij", "truncated-tail", "abcdefghij"},
		{"übermäßig", "truncated-tail", "übermä"},
		{"a b c d", "skipped-log", ""},
	} {
		l := &lookup{conf: &config{context: 3, overflow: c.action}, env: modelstest.Says(t, 200, "").Env()}
		if got, _ := l.fit(c.in, true); got != c.want {
			t.Errorf("%s of %q: got %q, want %q; tokens end at %v", c.action, c.in, got, c.want, tokens(c.in))
		}
	}
}
