// Package httpconn asks HTTP services for the rows of keys, in lookup joins, and sends rows to them.
//
// Contract: a Lookup may be asked by any number of goroutines; a sink belongs to one. Whatever waits (for a turn, a
// rate limit, an open circuit breaker, another attempt) ends with its context, and all of it is bounded: attempts,
// connections, answers, requests under way. The limits of a table are shared by all that its Config makes. Headers,
// keys, tokens and the query of the declared URL are secrets: no error, log or metadata column shows them. Rates,
// pauses and timeouts are of real time, whatever clock the job has, for it is real servers that they spare; the clock
// of the job dates signatures and tokens. The sink is at-least-once.
package httpconn

import (
	"weir/connectors"
	"weir/connectors/option"
)

// Connector declares the connector.
var Connector = connectors.Connector{
	Name: "http",
	Doc: "Asks an HTTP service for the rows of keys, in a lookup join (`JOIN t FOR SYSTEM_TIME AS OF ...`), and sends rows to one. " +
		"The option names are those of Apache's http connector, with the older prefix `gid.connector.http.` too. " +
		"The columns that the join compares fill `{column}` in the URL; the others become parameters of the query with GET, the body with POST and PUT. " +
		"The answer, one object or an array of them, becomes rows; compared columns that it lacks get the asked values. " +
		"The metadata columns `http-status-code`, `error-string`, `http-completion-state` and `http-headers-map` tell of the answer, and with `http.source.lookup.continue-on-error` why there is none. " +
		"With `aws.sigv4.service` requests are signed for AWS, for API Gateway, SageMaker or a function's URL. " +
		"`http.rate-limit` and the circuit breaker spare the service; both hold for all tasks of a job together. " +
		"As a sink it sends INSERT and UPDATE with `insert-method`, and with a PRIMARY KEY also DELETE; rows of a key stay in order. The sink is at-least-once: after a crash rows may be sent again.",
	Example: `CREATE TABLE fraud_score (
  card_id STRING,
  amount DOUBLE,
  score DOUBLE,
  status INT METADATA FROM 'http-status-code' VIRTUAL
) WITH (
  'connector' = 'http',
  'url' = 'https://abc123.execute-api.us-east-1.amazonaws.com/prod/score/{card_id}',
  'lookup-method' = 'POST',
  'format' = 'json',
  'aws.sigv4.service' = 'execute-api',
  'aws.region' = 'us-east-1',
  'http.source.lookup.request.timeout' = '5 s',
  'http.source.lookup.continue-on-error' = 'true'
)`,
	New: func() connectors.Config { return new(config) },
}

// SinkConnector is the sink alone, by the name that Apache's connector gives it.
var SinkConnector = sinkOnly("http-sink")

// AsyncSinkConnector is the sink alone, by the name of AWS's example connector.
var AsyncSinkConnector = sinkOnly("http-async-sink")

func sinkOnly(name string) connectors.Connector {
	return connectors.Connector{
		Name:    name,
		Doc:     "Sends rows to an HTTP service: the sink of `http`, by another name.",
		Example: "CREATE TABLE alerts (\n  sensor_id INT,\n  status STRING\n) WITH (\n  'connector' = '" + name + "',\n  'url' = 'https://example.com/alerts',\n  'insert-method' = 'POST',\n  'format' = 'json'\n)",
		New:     func() connectors.Config { return new(sinkConfig) },
	}
}

// config is the options of a table that is asked and written.
type config struct {
	common
	lookupOptions
	sinkOptions
}

// sinkConfig is the options of a table that is written only.
type sinkConfig struct {
	common
	sinkOptions
}

var (
	_ connectors.LooksUp = (*config)(nil)
	_ connectors.Writes  = (*config)(nil)
	_ connectors.Writes  = (*sinkConfig)(nil)
)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	c.common.options(o)
	c.lookupOptions.options(o)
	c.sinkOptions.options(o)
}

// Options implements connectors.Config.
func (c *sinkConfig) Options(o *option.Set) {
	c.common.options(o)
	c.sinkOptions.options(o)
}
