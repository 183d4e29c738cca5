package httpconn

import (
	"net/http"

	"weir/connectors"
	"weir/connectors/option"
)

// Provider is the provider 'http' of models: a service that gives a model's output for its input.
var Provider = connectors.Connector{
	Name: "http",
	Doc: "Asks an HTTP service: the input is sent as a JSON object of its columns, by POST, and the answer is a JSON object of the output's columns. " +
		"URL, body, headers, signatures for AWS (`'aws.sigv4.service' = 'sagemaker'` or `'execute-api'`), retries and limits are as of the connector `http`. " +
		"With `batch.max-size` a request carries an array of inputs. With `on-error` = `null` or `log`, one that is refused (400, 413, 422, 424) is halved until the input is found that it is refused for.",
	Example: "CREATE MODEL fraud INPUT (amount DOUBLE, mcc STRING) OUTPUT (score DOUBLE) WITH (\n  'provider' = 'http',\n  'url' = 'https://abc123.execute-api.us-east-1.amazonaws.com/prod/score',\n" +
		"  'aws.sigv4.service' = 'execute-api',\n  'aws.region' = 'us-east-1'\n)",
	New: func() connectors.Config { return new(modelConfig) },
}

// modelConfig is the options of a model.
type modelConfig struct{ config }

var _ connectors.LooksUp = (*modelConfig)(nil)

// Options implements connectors.Config: those of a table that is asked, with other defaults.
func (c *modelConfig) Options(o *option.Set) {
	c.common.options(o)
	c.lookupOptions.options(o)
	for _, opt := range o.All() {
		switch opt.Key {
		case "format":
			opt.Required, opt.Default = false, "json"
			c.format = defaultJSON()
		case "lookup-method":
			opt.Default = http.MethodPost
			c.method = opt.Default
		}
	}
}
