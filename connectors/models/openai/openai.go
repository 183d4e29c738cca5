// Package openai asks services with the interface of OpenAI for texts and embeddings.
//
// Contract: a lookup is safe for concurrent use. The key is a secret. Attempts and pauses are made here. The tokens of a
// context are estimated.
package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/connectors"
	httpconn "weir/connectors/http"
	"weir/connectors/models"
	"weir/connectors/option"
	"weir/sql/vec"
)

// Provider is the provider 'openai'.
var Provider = connectors.Connector{
	Name: "openai",
	Doc: "Asks a service with the interface of OpenAI, which many others have too. The end of `endpoint` says what for: `/chat/completions` gives a text for the model's input, `/embeddings` an ARRAY<FLOAT>. " +
		"Options are as in Flink. The model has one input of type STRING or, with `prompt`, any. Where the output is not one STRING, the answer must be JSON, from which the outputs are read: say so in `system-prompt`. " +
		"A NULL input gives no row, as in Flink. An answer that a content filter withheld is an error, for `error-handling-strategy` or `on-error` to handle. " +
		"With `batch.max-size` a request for embeddings has several inputs.",
	Example: "CREATE MODEL mood INPUT (review STRING) OUTPUT (label STRING) WITH (\n  'provider' = 'openai',\n  'endpoint' = 'https://api.openai.com/v1/chat/completions',\n  'api-key' = '...',\n  'model' = 'gpt-4o-mini',\n" +
		"  'system-prompt' = 'Answer with one word: positive, negative or neutral.',\n  'temperature' = '0'\n)",
	New: func() connectors.Config { return new(config) },
}

// The ends of endpoints.
const (
	chatPath      = "/chat/completions"
	embeddingPath = "/embeddings"
)

type config struct {
	service  httpconn.Service
	combine  models.Combine
	endpoint string
	apiKey   string
	model    string
	strategy string
	fallback string
	context  int
	overflow string

	system, prompt, stop, format string
	chat                         chatRequest
	dimension                    json.RawMessage
}

var _ connectors.LooksUp = (*config)(nil)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.String(&c.endpoint, "endpoint", "", "URL of the service, with `/chat/completions` or `/embeddings` at its end.").Must()
	o.String(&c.apiKey, "api-key", "", "The key, sent as the header `Authorization: Bearer`.").Must().Secret()
	o.String(&c.model, "model", "", "The model's name at the service.").Must()
	o.Int(&c.context, "max-context-size", 0, "Tokens of an input at most; a longer one is handled by `context-overflow-action`. weir estimates the tokens of a text: one for each four letters of a word, for each sign, and for each character that is not ASCII. 0: no limit.").Range(0, 1e9)
	o.Enum(&c.overflow, "context-overflow-action", "truncated-tail", []string{"truncated-tail", "truncated-tail-log", "truncated-head", "truncated-head-log", "skipped", "skipped-log"},
		"What is done with an input that is too long: its end or its beginning is cut off, or it gives no row; with `-log`, that is logged.")
	o.Enum(&c.strategy, "error-handling-strategy", "retry", []string{"retry", "failover", "ignore"}, "What a request that fails does: it is sent again, it is an error (see `on-error`), or its input gives no row, which is logged.")
	o.Enum(&c.fallback, "retry-fallback-strategy", "failover", []string{"failover", "ignore"}, "What a request does that failed in all attempts.")
	o.String(&c.system, "system-prompt", "You are a helpful assistant.", "What the model is told before each input.").Alias("systemPrompt")
	o.String(&c.prompt, "prompt", "", "The text for an input, with `{{column}}` for values; without it the text is the input.")
	models.Optional(o, &c.chat.Temperature, "temperature", "double", 0, 2, "How much is left to chance.")
	models.Optional(o, &c.chat.TopP, "top-p", "double", 0, 1, "Only the likeliest tokens are drawn from, with this probability together.").Alias("topP")
	o.String(&c.stop, "stop", "", "Texts that end the answer, with commas between.")
	models.Optional(o, &c.chat.MaxTokens, "max-tokens", "int", 1, 1e9, "Tokens of an answer at most.").Alias("maxTokens")
	models.Optional(o, &c.chat.Presence, "presence-penalty", "double", -2, 2, "Above 0 the model is led to new topics.")
	models.Optional(o, &c.chat.N, "n", "int", 1, 128, "How many answers an input gets, each a row. All of them cost.")
	models.Optional(o, &c.chat.Seed, "seed", "int", -1<<63, 1<<63, "Equal requests with an equal seed should get equal answers.")
	o.Enum(&c.format, "response-format", "", []string{"text", "json_object"}, "What the service holds the model to.")
	models.Optional(o, &c.dimension, "dimension", "int", 1, 1e6, "Length of an embedding.")
	c.combine.Options(o, 2048, "Inputs of one request at most, for embeddings.")
	c.service.Bind(o, httpconn.ServiceDefaults{RetriesKey: "retry-num", Retries: 100, RetryCodes: "408,409,429,5XX", Timeout: time.Minute})
}

// Metadata implements connectors.LooksUp: there is none.
func (c *config) Metadata() []connectors.MetadataKey { return nil }

// Lookup implements connectors.LooksUp.
func (c *config) Lookup(t *connectors.TableDesc, scan connectors.LookupScan, env *connectors.Env) (connectors.Lookup, error) {
	path := ""
	if u, err := url.Parse(c.endpoint); err == nil {
		path = strings.ToLower(strings.TrimRight(u.Path, "/"))
	}
	l := &lookup{conf: c, env: env, embeds: strings.HasSuffix(path, embeddingPath)}
	switch {
	case !l.embeds && !strings.HasSuffix(path, chatPath):
		return nil, fmt.Errorf("option \"endpoint\": the path of the URL ends with neither %s nor %s", chatPath, embeddingPath)
	case l.embeds && !models.IsEmbedding(scan.Columns):
		return nil, errors.New("embeddings have one output, of type ARRAY<FLOAT>")
	case !l.embeds && c.combine.Size > 1:
		return nil, errors.New("'batch.max-size' is for embeddings: a request for a text has one input")
	}
	var err error
	if l.prompt, err = models.NewPrompt(c.prompt, scan.Keys, env); err != nil {
		return nil, err
	}
	if l.out, err = models.NewOutputs(scan.Columns, env); err != nil {
		return nil, err
	}
	if c.strategy != "retry" {
		c.service.SetRetries(0)
	}
	l.client, err = c.service.Client(t, httpconn.Address{URL: c.endpoint, URLKey: "endpoint", Headers: map[string]string{"Authorization": "Bearer " + c.apiKey}, Accept: "application/json", Advice: advice}, env)
	if err != nil {
		return nil, err
	}
	return c.combine.Lookup(l), nil
}

// advice says what to do about a status.
func advice(status int) string {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ": check 'api-key'"
	case status == http.StatusNotFound:
		return ": check 'endpoint' and 'model'"
	case status == http.StatusTooManyRequests:
		return ": lower 'http.rate-limit', or ask for a higher limit"
	case status >= 500:
		return ": look at the service"
	}
	return ": check the model's options"
}

// lookup asks the service.
type lookup struct {
	conf   *config
	env    *connectors.Env
	embeds bool
	prompt *models.Prompt
	out    *models.Outputs
	client *httpconn.Client
}

// MaxKeys implements connectors.Lookup.
func (l *lookup) MaxKeys() int { return l.conf.combine.Size }

// Close implements connectors.Lookup.
func (l *lookup) Close() error { return l.client.Close() }

// Status implements connectors.Waiting.
func (l *lookup) Status() string { return l.client.Status() }

// Ask implements connectors.Lookup.
func (l *lookup) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	var texts []string
	var of []int
	for i := range keys.Len() {
		text, ok, err := l.prompt.Of(keys, i)
		if err != nil {
			return nil, nil, err
		}
		if text, ok = l.fit(text, ok); ok {
			texts, of = append(texts, text), append(of, i)
		}
	}
	if len(texts) == 0 {
		return l.out.Quiet()
	}
	rows, err := l.ask(ctx, texts, of)
	if err == nil {
		return rows.Batch()
	}
	last := l.conf.strategy
	if last == "retry" {
		last = l.conf.fallback
	}
	if last != "ignore" || ctx.Err() != nil {
		return nil, nil, err
	}
	l.env.Logger.Warn("openai: inputs without an answer are left out", "inputs", len(texts), "error", err.Error())
	return l.out.Quiet()
}

// ask sends texts, which are of the inputs of.
func (l *lookup) ask(ctx context.Context, texts []string, of []int) (*models.Rows, error) {
	body, err := l.body(texts)
	if err != nil {
		return nil, err
	}
	r, err := l.client.Send(ctx, "application/json", body)
	if err != nil {
		return nil, err
	}
	rows := l.out.Rows()
	if r.Ignored {
		return rows, nil
	}
	if l.embeds {
		err = embeddings(rows, r.Body, of)
	} else {
		err = choices(rows, r.Body, of[0])
	}
	if err == nil {
		_, _, err = rows.Batch() // finds values that do not fit
	}
	if err != nil {
		return nil, r.Wrong(err)
	}
	return rows, nil
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type chatRequest struct {
	Model       string          `json:"model"`
	Messages    []message       `json:"messages"`
	Temperature json.RawMessage `json:"temperature,omitempty"`
	TopP        json.RawMessage `json:"top_p,omitempty"`
	Stop        []string        `json:"stop,omitempty"`
	MaxTokens   json.RawMessage `json:"max_tokens,omitempty"`
	Presence    json.RawMessage `json:"presence_penalty,omitempty"`
	N           json.RawMessage `json:"n,omitempty"`
	Seed        json.RawMessage `json:"seed,omitempty"`
	Format      *kind           `json:"response_format,omitempty"`
}

type kind struct {
	Type string `json:"type"`
}

type embeddingRequest struct {
	Model      string          `json:"model"`
	Input      json.RawMessage `json:"input"`
	Encoding   string          `json:"encoding_format"`
	Dimensions json.RawMessage `json:"dimensions,omitempty"`
}

// body is that of a request for texts.
func (l *lookup) body(texts []string) ([]byte, error) {
	c := l.conf
	if !l.embeds {
		q := c.chat
		q.Model, q.Stop = c.model, models.Stops(c.stop)
		q.Messages = []message{{"system", c.system}, {"user", texts[0]}}
		if c.format != "" {
			q.Format = &kind{c.format}
		}
		return json.Marshal(q)
	}
	var input []byte
	var err error
	if c.combine.Size == 1 {
		input, err = json.Marshal(texts[0])
	} else {
		input, err = json.Marshal(texts)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(embeddingRequest{c.model, input, "float", c.dimension})
}

// choices adds a row for each answer to an input.
func choices(rows *models.Rows, body []byte, key int) error {
	var a struct {
		Choices []struct {
			Reason  string `json:"finish_reason"`
			Message struct {
				Content string `json:"content"`
				Refusal string `json:"refusal"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("it is no JSON of a chat completion: %w", err)
	}
	if len(a.Choices) == 0 {
		return errors.New("it has no \"choices\"")
	}
	for _, c := range a.Choices {
		switch {
		case c.Reason == "content_filter":
			return errors.New("a content filter withheld it")
		case c.Message.Refusal != "" && c.Message.Content == "":
			return fmt.Errorf("the model refused: %s", c.Message.Refusal)
		}
		if err := rows.Text(key, c.Message.Content); err != nil {
			if c.Reason == "length" {
				err = fmt.Errorf("%w; it was cut off: raise 'max-tokens'", err)
			}
			return err
		}
	}
	return nil
}

// embeddings adds the arrays for inputs, which the service numbers.
func embeddings(rows *models.Rows, body []byte, of []int) error {
	var a struct {
		Data []struct {
			Index     int             `json:"index"`
			Embedding json.RawMessage `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("it is no JSON of embeddings: %w", err)
	}
	if len(a.Data) != len(of) {
		return fmt.Errorf("it has %d embeddings for %d inputs", len(a.Data), len(of))
	}
	list := make([]json.RawMessage, len(of))
	for _, d := range a.Data {
		if d.Index < 0 || d.Index >= len(of) || list[d.Index] != nil {
			return fmt.Errorf("its embeddings are not numbered from 0 to %d", len(of)-1)
		}
		list[d.Index] = d.Embedding
	}
	for i, e := range list {
		if err := rows.Values(of[i], []json.RawMessage{e}); err != nil {
			return err
		}
	}
	return nil
}

// fit cuts an input that is too long, or leaves it out.
func (l *lookup) fit(text string, ok bool) (string, bool) {
	c := l.conf
	if !ok || c.context == 0 {
		return text, ok
	}
	ends := tokens(text)
	if len(ends) <= c.context {
		return text, true
	}
	action, logged := strings.CutSuffix(c.overflow, "-log")
	if logged {
		l.env.Logger.Info("openai: an input has more tokens than 'max-context-size'", "tokens", len(ends), "action", action)
	}
	switch action {
	case "truncated-tail":
		return text[:ends[c.context-1]], true
	case "truncated-head":
		return text[ends[len(ends)-c.context-1]:], true
	}
	return "", false
}

// tokens estimates where the tokens of a text end: each four letters or digits of a word, each sign and each character that is not
// ASCII is one. White space belongs to what follows it.
func tokens(text string) (ends []int) {
	run := 0
	for i, c := range text {
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		end := i + len(string(c))
		switch {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			run = 0
			continue
		case word && run > 0 && run < 4:
			run++
			ends[len(ends)-1] = end
			continue
		case word:
			run = 1
		default:
			run = 0
		}
		ends = append(ends, end)
	}
	return slices.Clip(ends)
}
