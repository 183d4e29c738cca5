// Package bedrock asks the models of Amazon Bedrock for texts and embeddings, by signed requests.
//
// Contract: a lookup is safe for concurrent use. Credentials are secrets. Attempts and pauses are made here.
package bedrock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"weir/connectors"
	httpconn "weir/connectors/http"
	"weir/connectors/models"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Provider is the provider 'bedrock'.
var Provider = connectors.Connector{
	Name: "bedrock",
	Doc: "Asks a model of Amazon Bedrock. A text is asked for with the Converse API, which all models of texts have; an output of type ARRAY<FLOAT> with InvokeModel of the embedding models of Amazon (`amazon.titan-embed-*`) and Cohere (`cohere.embed-*`). " +
		"Any other model can be asked with `'api' = 'INVOKE'`, `request.body` and `response.path`. " +
		"The model has one input of type STRING or, with `prompt`, any. Where the output is not one STRING, the answer must be JSON, from which the outputs are read: say so in `system-prompt`. A NULL input gives no row. " +
		"Where a guardrail intervened, the answer is the guardrail's text; an answer that the model's own filter withheld is an error. Credentials are those of `aws.*`; they need `bedrock:InvokeModel`.",
	Example: "CREATE MODEL mood INPUT (review STRING) OUTPUT (label STRING) WITH (\n  'provider' = 'bedrock',\n  'model-id' = 'anthropic.claude-3-haiku-20240307-v1:0',\n  'aws.region' = 'us-east-1',\n" +
		"  'system-prompt' = 'Answer with one word: positive, negative or neutral.',\n  'temperature' = '0'\n)",
	New: func() connectors.Config { return new(config) },
}

// The values of 'api'.
const (
	apiConverse = "CONVERSE"
	apiInvoke   = "INVOKE"
)

type config struct {
	service httpconn.Service
	combine models.Combine
	model   string
	api     string

	system, prompt, stop, extra string
	limits                      inference
	guardrail, guardrailVersion string

	body, path string
	dimension  json.RawMessage
	inputType  string
}

var _ connectors.LooksUp = (*config)(nil)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.String(&c.model, "model-id", "", "Id or ARN of the model, of an inference profile or of a provisioned model.").Must()
	o.Enum(&c.api, "api", "", []string{apiConverse, apiInvoke}, "How the model is asked. Default: CONVERSE; INVOKE for embeddings, and with `request.body`.")
	o.String(&c.system, "system-prompt", "", "What the model is told before each input.")
	o.String(&c.prompt, "prompt", "", "The text for an input, with `{{column}}` for values; without it the text is the input.")
	models.Optional(o, &c.limits.Temperature, "temperature", "double", 0, 1, "How much is left to chance.")
	models.Optional(o, &c.limits.TopP, "top-p", "double", 0, 1, "Only the likeliest tokens are drawn from, with this probability together.")
	models.Optional(o, &c.limits.MaxTokens, "max-tokens", "int", 1, 1e9, "Tokens of an answer at most.")
	o.String(&c.stop, "stop-sequences", "", "Texts that end the answer, with commas between.").Alias("stop")
	o.String(&c.extra, "additional-model-request-fields", "", "A JSON object of parameters that only this model has, as `{\"top_k\": 50}`.")
	o.String(&c.guardrail, "guardrail.identifier", "", "Id or ARN of a guardrail.")
	o.String(&c.guardrailVersion, "guardrail.version", "DRAFT", "Its version.")
	o.String(&c.body, "request.body", "", "Body of a request with INVOKE, with `{{column}}` for values; in JSON they are quoted as they must be.")
	o.String(&c.path, "response.path", "", "Where the answer to INVOKE has the outputs, as `content[0].text` or `results[0].outputText`; all of it where this is not given.")
	models.Optional(o, &c.dimension, "dimension", "int", 1, 1e6, "Length of an embedding.")
	o.String(&c.inputType, "input-type", "search_document", "What embeddings of Cohere are for: `search_document`, `search_query`, `classification` or `clustering`.")
	c.combine.Options(o, 96, "Inputs of one request at most, for embeddings of Cohere.")
	c.service.Bind(o, httpconn.ServiceDefaults{AWS: true, RetryCodes: "408,429,5XX", Timeout: time.Minute})
}

// Metadata implements connectors.LooksUp: there is none.
func (c *config) Metadata() []connectors.MetadataKey { return nil }

// Lookup implements connectors.LooksUp.
func (c *config) Lookup(t *connectors.TableDesc, scan connectors.LookupScan, env *connectors.Env) (connectors.Lookup, error) {
	l := &lookup{conf: c}
	if err := l.how(scan, env); err != nil {
		return nil, err
	}
	if c.extra != "" {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(c.extra), &fields); err != nil {
			return nil, errors.New("option \"additional-model-request-fields\" is no JSON object")
		}
	}
	var err error
	if l.out, err = models.NewOutputs(scan.Columns, env); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	base, err := c.service.Base(ctx, "bedrock-runtime")
	if err != nil {
		return nil, err
	}
	call, headers := "/converse", map[string]string{}
	if l.api == apiInvoke {
		call = "/invoke"
		if c.guardrail != "" {
			headers["X-Amzn-Bedrock-GuardrailIdentifier"], headers["X-Amzn-Bedrock-GuardrailVersion"] = c.guardrail, c.guardrailVersion
		}
	}
	at := httpconn.Address{URL: base + "/model/" + httpconn.PathPart(c.model) + call, URLKey: "aws.endpoint", Sign: "bedrock", Headers: headers, Accept: "application/json", Advice: advice}
	if l.client, err = c.service.Client(t, at, env); err != nil {
		return nil, err
	}
	return c.combine.Lookup(l), nil
}

// advice says what to do about a status.
func advice(status int) string {
	switch {
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return ": check the credentials and the clock of this machine, and that the account has access to the model in 'aws.region'"
	case status == http.StatusNotFound:
		return ": check 'model-id' and 'aws.region'"
	case status == http.StatusTooManyRequests:
		return ": lower 'http.rate-limit', or ask AWS for a higher quota"
	case status >= 500, status == http.StatusRequestTimeout:
		return ": look at the service's health in 'aws.region'"
	}
	return ": check the model's options, and that 'model-id' takes them"
}

// family is how a model of embeddings is asked.
type family uint8

const (
	noFamily family = iota
	titan
	cohere
)

// lookup asks a model.
type lookup struct {
	conf   *config
	api    string
	family family
	prompt *models.Prompt
	body   *httpconn.Text
	out    *models.Outputs
	client *httpconn.Client
}

// how decides how the model is asked.
func (l *lookup) how(scan connectors.LookupScan, env *connectors.Env) (err error) {
	c := l.conf
	l.api = c.api
	embeds := models.IsEmbedding(scan.Columns)
	if l.api == "" {
		l.api = apiConverse
		if embeds || c.body != "" {
			l.api = apiInvoke
		}
	}
	switch {
	case l.api == apiConverse && c.body != "":
		return errors.New("'request.body' is for 'api' = 'INVOKE': Converse makes its body of 'prompt' and 'system-prompt'")
	case c.body != "":
		if l.body, err = httpconn.NewText("request.body", c.body, true, scan.Keys, env); err != nil {
			return err
		}
	case l.api == apiConverse:
	case strings.Contains(c.model, "titan-embed"):
		l.family = titan
	case strings.Contains(c.model, "cohere.embed"):
		l.family = cohere
	default:
		return fmt.Errorf("how model %q is invoked is not known: give 'request.body' and 'response.path', or take 'api' = 'CONVERSE' for texts", c.model)
	}
	if l.family != noFamily && !embeds {
		return fmt.Errorf("model %q gives embeddings: its output is one ARRAY<FLOAT>, not %s", c.model, typeNames(scan.Columns))
	}
	if c.combine.Size > 1 && l.family != cohere {
		return errors.New("'batch.max-size' is for embeddings of Cohere: a request to another model has one input")
	}
	if l.body == nil {
		l.prompt, err = models.NewPrompt(c.prompt, scan.Keys, env)
	}
	return err
}

func typeNames(cols types.Schema) string {
	var out []string
	for _, c := range cols {
		out = append(out, c.Type.String())
	}
	return strings.Join(out, ", ")
}

// MaxKeys implements connectors.Lookup.
func (l *lookup) MaxKeys() int { return l.conf.combine.Size }

// Close implements connectors.Lookup.
func (l *lookup) Close() error { return l.client.Close() }

// Status implements connectors.Waiting.
func (l *lookup) Status() string { return l.client.Status() }

// Ask implements connectors.Lookup.
func (l *lookup) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	var body []byte
	var of []int
	var err error
	if l.body != nil {
		body, err = l.body.Fill(nil, keys, 0)
		of = []int{0}
	} else {
		var texts []string
		for i := range keys.Len() {
			text, ok, err := l.prompt.Of(keys, i)
			if err != nil {
				return nil, nil, err
			}
			if ok {
				texts, of = append(texts, text), append(of, i)
			}
		}
		if len(texts) == 0 {
			return l.out.Quiet()
		}
		body, err = l.request(texts)
	}
	if err != nil {
		return nil, nil, err
	}
	r, err := l.client.Send(ctx, "application/json", body)
	if err != nil {
		return nil, nil, err
	}
	rows := l.out.Rows()
	if r.Ignored {
		return rows.Batch()
	}
	if err := l.read(rows, r.Body, of); err != nil {
		return nil, nil, r.Wrong(err)
	}
	b, places, err := rows.Batch()
	if err != nil {
		return nil, nil, r.Wrong(err)
	}
	return b, places, nil
}

type block struct {
	Text string `json:"text"`
}

type message struct {
	Role    string  `json:"role"`
	Content []block `json:"content"`
}

type inference struct {
	MaxTokens   json.RawMessage `json:"maxTokens,omitempty"`
	Temperature json.RawMessage `json:"temperature,omitempty"`
	TopP        json.RawMessage `json:"topP,omitempty"`
	Stop        []string        `json:"stopSequences,omitempty"`
}

type guardrail struct {
	ID      string `json:"guardrailIdentifier"`
	Version string `json:"guardrailVersion"`
}

type converseRequest struct {
	Messages  []message       `json:"messages"`
	System    []block         `json:"system,omitempty"`
	Inference *inference      `json:"inferenceConfig,omitempty"`
	Guardrail *guardrail      `json:"guardrailConfig,omitempty"`
	Extra     json.RawMessage `json:"additionalModelRequestFields,omitempty"`
}

type titanRequest struct {
	Text       string          `json:"inputText"`
	Dimensions json.RawMessage `json:"dimensions,omitempty"`
}

type cohereRequest struct {
	Texts     []string        `json:"texts"`
	InputType string          `json:"input_type"`
	Dimension json.RawMessage `json:"output_dimension,omitempty"`
}

// request is the body of a request for texts.
func (l *lookup) request(texts []string) ([]byte, error) {
	c := l.conf
	switch l.family {
	case titan:
		return json.Marshal(titanRequest{texts[0], c.dimension})
	case cohere:
		return json.Marshal(cohereRequest{texts, c.inputType, c.dimension})
	}
	q := converseRequest{Messages: []message{{"user", []block{{texts[0]}}}}, Extra: json.RawMessage(c.extra)}
	if c.system != "" {
		q.System = []block{{c.system}}
	}
	limits := c.limits
	limits.Stop = models.Stops(c.stop)
	if limits.MaxTokens != nil || limits.Temperature != nil || limits.TopP != nil || limits.Stop != nil {
		q.Inference = &limits
	}
	if c.guardrail != "" {
		q.Guardrail = &guardrail{c.guardrail, c.guardrailVersion}
	}
	return json.Marshal(q)
}

// read adds the rows of an answer to the inputs of.
func (l *lookup) read(rows *models.Rows, body []byte, of []int) error {
	switch {
	case l.api == apiConverse:
		return converse(rows, body, of[0])
	case l.family == titan:
		e, err := models.Pick(body, "embedding")
		if err != nil {
			return err
		}
		return rows.Values(of[0], []json.RawMessage{e})
	case l.family == cohere:
		list, err := cohereEmbeddings(body, len(of))
		if err != nil {
			return err
		}
		for i, e := range list {
			if err := rows.Values(of[i], []json.RawMessage{e}); err != nil {
				return err
			}
		}
		return nil
	}
	value, err := models.Pick(body, l.conf.path)
	if err != nil {
		return err
	}
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		return rows.Text(of[0], text)
	}
	return rows.Value(of[0], value)
}

// cohereEmbeddings finds the arrays, which newer models put behind the name of their type.
func cohereEmbeddings(body []byte, want int) ([]json.RawMessage, error) {
	list, err := models.Pick(body, "embeddings")
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(list)), "{") {
		if list, err = models.Pick(list, "float"); err != nil {
			return nil, err
		}
	}
	return models.List(list, want)
}

// converse adds the text of an answer.
func converse(rows *models.Rows, body []byte, key int) error {
	var a struct {
		Output struct {
			Message *message `json:"message"`
		} `json:"output"`
		Reason string `json:"stopReason"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("it is no JSON of Converse: %w", err)
	}
	switch {
	case a.Reason == "content_filtered":
		return errors.New("a content filter withheld it")
	case a.Output.Message == nil:
		return errors.New("it has no \"output.message\"")
	}
	var text strings.Builder
	for _, b := range a.Output.Message.Content {
		text.WriteString(b.Text)
	}
	err := rows.Text(key, text.String())
	if err != nil && a.Reason == "max_tokens" {
		err = fmt.Errorf("%w; it was cut off: raise 'max-tokens'", err)
	}
	return err
}
