package bedrock

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/connectors/models/modelstest"
)

const (
	text  = "review STRING -> label STRING"
	embed = "x STRING -> v ARRAY<FLOAT>"
	haiku = "model-id=anthropic.claude-3-haiku-20240307-v1:0"
)

// guarded takes signed requests only, and answers the others as AWS does.
func guarded(t *testing.T, answer func(body string, n int) string) *modelstest.Server {
	return modelstest.Serve(t, func(w http.ResponseWriter, r *http.Request, body string, n int) {
		if why := modelstest.CheckSignature(r, body, "eu-west-1", "bedrock", time.Now()); why != "" {
			w.Header().Set("X-Amzn-ErrorType", "InvalidSignatureException")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"message": %q}`, why)
			return
		}
		io.WriteString(w, answer(body, n))
	})
}

func options(s *modelstest.Server, more ...string) []string {
	return append(append(modelstest.Signed("eu-west-1"), "aws.endpoint="+s.URL), more...)
}

// said is an answer of Converse.
func said(text, reason string) string {
	return fmt.Sprintf(`{"metrics":{"latencyMs":1},"output":{"message":{"content":[{"text":%q}],"role":"assistant"}},"stopReason":%q,"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}`, text, reason)
}

func TestRequests(t *testing.T) {
	const arn = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-micro-v1:0"
	answers := []string{said("good", "end_turn"), said("good", "end_turn"), `{"embedding":[0.5,1],"inputTextTokenCount":1}`, `{"embeddings":[[1],[2]],"id":"1","texts":["a","b"]}`,
		`{"embeddings":{"float":[[3]]}}`, `{"content":[{"type":"text","text":"fine"}],"stop_reason":"end_turn"}`}
	s := guarded(t, func(_ string, n int) string { return answers[n-1] })
	s.Want(Provider, text, []string{"nice"}, "0:good", options(s, haiku)...)
	s.Want(Provider, "a INT, b STRING -> label STRING", []string{"7|x"}, "0:good", options(s, "model-id="+arn, "prompt={{b}}, {{a}} times", "system-prompt=Be short.", "temperature=0.5", "top-p=1", "max-tokens=9",
		"stop=END", "additional-model-request-fields={\"top_k\": 5}", "guardrail.identifier=gr-1", "guardrail.version=2")...)
	s.Want(Provider, embed, []string{"a"}, "0:[0.5, 1.0]", options(s, "model-id=amazon.titan-embed-text-v2:0", "dimension=256")...)
	s.Want(Provider, embed, []string{"a", "", "b"}, "0:[1.0] 2:[2.0]", options(s, "model-id=cohere.embed-english-v3", "batch.max-size=96", "input-type=search_query")...)
	s.Want(Provider, embed, []string{"c"}, "0:[3.0]", options(s, "model-id=cohere.embed-v4:0")...)
	s.Want(Provider, text, []string{`say "x"`}, "0:fine", options(s, haiku, `request.body={"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"Q: {{review}}"}]}`, "response.path=content[0].text",
		"guardrail.identifier=gr-1")...)
	s.Want(Provider, text, []string{""}, "", options(s, haiku)...)
	want := []string{
		`POST /model/anthropic.claude-3-haiku-20240307-v1%3A0/converse {"messages":[{"role":"user","content":[{"text":"nice"}]}]}`,
		`POST /model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-micro-v1%3A0/converse {"messages":[{"role":"user","content":[{"text":"x, 7 times"}]}],"system":[{"text":"Be short."}],"inferenceConfig":{"maxTokens":9,"temperature":0.5,"topP":1,"stopSequences":["END"]},"guardrailConfig":{"guardrailIdentifier":"gr-1","guardrailVersion":"2"},"additionalModelRequestFields":{"top_k":5}}`,
		`POST /model/amazon.titan-embed-text-v2%3A0/invoke {"inputText":"a","dimensions":256}`,
		`POST /model/cohere.embed-english-v3/invoke {"texts":["a","b"],"input_type":"search_query"}`,
		`POST /model/cohere.embed-v4%3A0/invoke {"texts":["c"],"input_type":"search_document"}`,
		`POST /model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke {"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"Q: say \"x\""}]}`,
	}
	seen := s.Seen()
	if len(seen) != len(want) {
		t.Fatalf("%d requests, want %d", len(seen), len(want))
	}
	for i, q := range seen {
		if got := q.Line + " " + q.Body; got != want[i] {
			t.Errorf("request %d\n got %s\nwant %s", i, got, want[i])
		}
	}
	if h := seen[5].Header; h.Get("X-Amzn-Bedrock-Guardrailidentifier") != "gr-1" || h.Get("X-Amzn-Bedrock-Guardrailversion") != "DRAFT" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ columns, answer, want string }{
		{text, said("cut o", "max_tokens"), "0:cut o"},
		{text, said("Sorry, this topic is blocked.", "guardrail_intervened"), "0:Sorry, this topic is blocked."},
		{text, said("", "content_filtered"), "the answer cannot be used: a content filter withheld it"},
		{text, `{"output":{"message":{"content":[{"text":"a"},{"reasoningContent":{}},{"text":"b"}]}}}`, "0:ab"},
		{"x STRING -> label STRING, score DOUBLE", said(`{"label":"up","score":1}`, "end_turn"), "0:up,1.0"},
		{"x STRING -> label STRING, score DOUBLE", said(`{"label":"u`, "max_tokens"), "did not answer with JSON & it was cut off: raise 'max-tokens'"},
		{text, `{"output":`, "it is no JSON of Converse"},
		{text, `{}`, `it has no "output.message"`},
	} {
		s := guarded(t, func(string, int) string { return c.answer })
		s.Want(Provider, c.columns, []string{"q"}, c.want, options(s, haiku)...)
	}
	s := guarded(t, func(string, int) string { return `{"embeddings":[[1]]}` })
	s.Want(Provider, embed, []string{"a", "b"}, "it has 1 values for 2 inputs", options(s, "model-id=cohere.embed-english-v3", "batch.max-size=2")...)
	s.Want(Provider, embed, []string{"a"}, `it has no "embedding"`, options(s, "model-id=amazon.titan-embed-text-v1")...)
}

func TestFailures(t *testing.T) {
	s := modelstest.Serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, n int) {
		switch n {
		case 1:
			w.Header().Set("X-Amzn-ErrorType", "ThrottlingException")
			w.WriteHeader(429)
			io.WriteString(w, `{"message":"Too many requests"}`)
		case 2:
			w.WriteHeader(408)
			io.WriteString(w, `{"message":"Model has timed out in processing the request"}`)
		case 3:
			io.WriteString(w, said("good", "end_turn"))
		case 4:
			w.WriteHeader(400)
			io.WriteString(w, `{"message":"The provided model identifier is invalid."}`)
		default:
			w.WriteHeader(503)
		}
	})
	s.Want(Provider, text, []string{"q"}, "0:good", options(s, haiku)...)
	s.Want(Provider, text, []string{"q"}, "status 400 Bad Request & The provided model identifier is invalid. & 'model-id'", options(s, haiku)...)
	s.Want(Provider, text, []string{"q"}, "status 503 & (tried 2 times; 'lookup.max-retries' is the limit)", options(s, haiku, "lookup.max-retries=1")...)
	if n := len(s.Seen()); n != 6 {
		t.Errorf("%d calls", n)
	}
	g := guarded(t, func(string, int) string { return "" })
	g.Want(Provider, text, []string{"q"}, "status 403 Forbidden & the signature does not match & check the credentials", options(g, haiku, "aws.credentials.basic.secretkey=another-hush")...)
	if strings.Contains(g.Logged(), "hush") {
		t.Error(g.Logged())
	}
}

func TestOptions(t *testing.T) {
	s := modelstest.Says(t, 200, "")
	for _, c := range []struct{ columns, want, options string }{
		{text, `"model-id"`, ""},
		{text, `model "amazon.titan-embed-text-v1" gives embeddings: its output is one ARRAY<FLOAT>, not STRING`, "model-id=amazon.titan-embed-text-v1 api=invoke"},
		{embed, `how model "x.y" is invoked is not known: give 'request.body' and 'response.path'`, "model-id=x.y"},
		{text, `'request.body' is for 'api' = 'INVOKE'`, "model-id=x.y api=CONVERSE request.body={}"},
		{text, `'batch.max-size' is for embeddings of Cohere`, "model-id=x.y batch.max-size=2"},
		{text, `{{other}} is no input of the model: it has review`, "model-id=x.y request.body={{other}}"},
		{text, `option "additional-model-request-fields" is no JSON object`, "model-id=x.y additional-model-request-fields=[1]"},
	} {
		s.Want(Provider, c.columns, []string{"q"}, c.want, options(s, strings.Fields(c.options)...)...)
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	s.Want(Provider, text, []string{"q"}, "no AWS region: set 'aws.region'", haiku)
}
