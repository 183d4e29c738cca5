// Package sagemaker asks endpoints of Amazon SageMaker for the answers of models, by signed requests.
//
// Contract: a lookup is safe for concurrent use. Credentials are secrets. Attempts and pauses are made here.
package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"weir/connectors"
	httpconn "weir/connectors/http"
	"weir/connectors/models"
	"weir/connectors/option"
	"weir/sql/vec"
)

// Provider is the provider 'sagemaker'.
var Provider = connectors.Connector{
	Name: "sagemaker",
	Doc: "Asks an endpoint of Amazon SageMaker (InvokeEndpoint). `content-type` says how inputs are written: `application/json`, `application/jsonlines` (an object a line) or `text/csv` (a line of values in the order of INPUT, as XGBoost takes them). " +
		"With `batch.max-size` a request has several inputs: an array in JSON, lines else; with `on-error` = `null` or `log` a request that is refused is halved until the input is found that it is refused for. Answers have the outputs by name in objects, or in the order of OUTPUT in arrays and lines. " +
		"`request.field`, `request.shape` and `response.path` fit other bodies: `'request.field' = 'instances', 'response.path' = 'predictions'` is what TensorFlow Serving and many algorithms of SageMaker take, with `'request.shape' = 'array'` or `'features'`. " +
		"Credentials are those of `aws.*`; they need `sagemaker:InvokeEndpoint`.",
	Example: "CREATE MODEL fraud INPUT (amount DOUBLE, age INT) OUTPUT (score DOUBLE) WITH (\n  'provider' = 'sagemaker',\n  'endpoint-name' = 'fraud-xgboost',\n  'content-type' = 'text/csv',\n  'batch.max-size' = '50',\n  'aws.region' = 'us-east-1'\n)",
	New:     func() connectors.Config { return new(config) },
}

// The values of 'content-type'.
const (
	typeJSON  = "application/json"
	typeLines = "application/jsonlines"
	typeCSV   = "text/csv"
)

type config struct {
	service     httpconn.Service
	combine     models.Combine
	endpoint    string
	contentType string
	accept      string

	field, shape, path string
	targets            struct{ model, variant, host, component, attributes string }
}

var _ connectors.LooksUp = (*config)(nil)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.String(&c.endpoint, "endpoint-name", "", "Name of the endpoint.").Must()
	o.Enum(&c.contentType, "content-type", typeJSON, []string{typeJSON, typeLines, typeCSV}, "How inputs are written.")
	o.Enum(&c.accept, "accept", "", []string{typeJSON, typeLines, typeCSV}, "How answers are read. Default: as `content-type`.")
	o.String(&c.field, "request.field", "", "A field of the JSON body, as `instances`, whose value is the array of inputs. Without it the body is the input, or with `batch.max-size` the array.")
	o.Enum(&c.shape, "request.shape", "object", []string{"object", "array", "features"}, "An input in JSON: `{\"amount\": 1, \"age\": 30}`, `[1, 30]` or `{\"features\": [1, 30]}`.")
	o.String(&c.path, "response.path", "", "Where the JSON of an answer has the outputs, as `predictions`: with several inputs or `request.field` an array with a value for each.")
	o.String(&c.targets.model, "target-model", "", "The model, of an endpoint with several (TargetModel).")
	o.String(&c.targets.variant, "target-variant", "", "The production variant, of an endpoint with several (TargetVariant).")
	o.String(&c.targets.host, "target-container-hostname", "", "The container, of an endpoint with several (TargetContainerHostname).")
	o.String(&c.targets.component, "inference-component-name", "", "The inference component, of an endpoint with several (InferenceComponentName).")
	o.String(&c.targets.attributes, "custom-attributes", "", "What the container gets with each request (CustomAttributes).")
	c.combine.Options(o, 10000, "Inputs of one request at most.")
	c.service.Bind(o, httpconn.ServiceDefaults{AWS: true, RetryCodes: "408,429,5XX", Timeout: time.Minute})
}

// Metadata implements connectors.LooksUp: there is none.
func (c *config) Metadata() []connectors.MetadataKey { return nil }

// Lookup implements connectors.LooksUp.
func (c *config) Lookup(t *connectors.TableDesc, scan connectors.LookupScan, env *connectors.Env) (connectors.Lookup, error) {
	accept := c.accept
	if accept == "" {
		accept = c.contentType
	}
	switch {
	case c.contentType != typeJSON && (c.field != "" || c.shape != "object" && c.contentType == typeCSV):
		return nil, fmt.Errorf("'request.field' and 'request.shape' say how JSON is written, 'content-type' is %q", c.contentType)
	case accept == typeCSV && c.path != "":
		return nil, errors.New("'response.path' is a place in JSON: with answers of type text/csv there is none")
	}
	l := &lookup{conf: c, accept: accept, width: len(scan.Columns)}
	var err error
	if l.in, err = newWriter(c, scan.Keys, env); err != nil {
		return nil, err
	}
	if l.out, err = models.NewOutputs(scan.Columns, env); err != nil {
		return nil, err
	}
	l.texts = textColumns(scan.Columns)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	base, err := c.service.Base(ctx, "runtime.sagemaker")
	if err != nil {
		return nil, err
	}
	headers := map[string]string{}
	for name, v := range map[string]string{
		"X-Amzn-SageMaker-Target-Model": c.targets.model, "X-Amzn-SageMaker-Target-Variant": c.targets.variant,
		"X-Amzn-SageMaker-Target-Container-Hostname": c.targets.host, "X-Amzn-SageMaker-Inference-Component": c.targets.component,
		"X-Amzn-SageMaker-Custom-Attributes": c.targets.attributes,
	} {
		if v != "" {
			headers[name] = v
		}
	}
	at := httpconn.Address{URL: base + "/endpoints/" + httpconn.PathPart(c.endpoint) + "/invocations", URLKey: "aws.endpoint", Sign: "sagemaker", Headers: headers, Accept: accept, Advice: advice}
	if l.client, err = c.service.Client(t, at, env); err != nil {
		return nil, err
	}
	return c.combine.Lookup(l), nil
}

// advice says what to do about a status.
func advice(status int) string {
	switch {
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return ": check the credentials, the clock of this machine and 'aws.region'"
	case status == http.StatusFailedDependency:
		return ": the model failed: look at its log in CloudWatch, and check 'content-type' and what it takes"
	case status == http.StatusTooManyRequests:
		return ": lower 'http.rate-limit', or let the endpoint have more instances"
	case status >= 500:
		return ": look at the endpoint"
	}
	return ": check 'endpoint-name', 'aws.region' and what the endpoint takes"
}

// lookup asks an endpoint.
type lookup struct {
	conf   *config
	accept string
	width  int    // how many outputs there are
	texts  []bool // which of them are texts
	in     *writer
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
	body, err := l.in.body(keys)
	if err != nil {
		return nil, nil, err
	}
	r, err := l.client.Send(ctx, l.conf.contentType, body)
	if err != nil {
		return nil, nil, err
	}
	rows := l.out.Rows()
	if r.Ignored {
		return rows.Batch()
	}
	if err := l.read(rows, r.Body, keys.Len()); err != nil {
		return nil, nil, r.Wrong(err)
	}
	b, of, err := rows.Batch()
	if err != nil {
		return nil, nil, r.Wrong(err)
	}
	return b, of, nil
}

// read adds the rows of an answer to n inputs.
func (l *lookup) read(rows *models.Rows, body []byte, n int) error {
	var list []json.RawMessage
	var err error
	switch l.accept {
	case typeCSV:
		return l.readCSV(rows, body, n)
	case typeLines:
		list, err = l.lines(body, n)
	default:
		var value json.RawMessage
		if value, err = models.Pick(body, l.conf.path); err != nil {
			return err
		}
		if list = []json.RawMessage{value}; l.conf.combine.Size > 1 || l.conf.field != "" {
			list, err = models.List(value, n)
		}
	}
	if err != nil {
		return err
	}
	for i, v := range list {
		if err := rows.Value(i, v); err != nil {
			return err
		}
	}
	return nil
}
