package httpconn

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/connectors/aws"
	"weir/connectors/format"
	"weir/connectors/option"
)

// namedFormat is a format's options, with the name it was chosen by.
type namedFormat struct {
	format.Config
	name string
}

// json tells whether records are JSON values, so that an array can hold them.
func (f namedFormat) json() bool { return strings.HasSuffix(f.name, "json") }

func bindFormat(o *option.Set, dst *namedFormat, key, doc string) *option.Option {
	var choices []option.Choice
	for _, f := range format.List() {
		choices = append(choices, option.Choice{Name: f.Name, Doc: f.Doc, New: func() option.Config { return namedFormat{f.New(), f.Name} }})
	}
	return o.Choose(key, choices, func(c option.Config) { *dst = c.(namedFormat) }, doc)
}

// defaultJSON is the json format with its defaults.
func defaultJSON() namedFormat { return namedFormat{format.Default("json"), "json"} }

// old adds the option's older spelling.
func old(o *option.Option) *option.Option { return o.Alias("gid.connector." + o.Key) }

// seconds binds a duration whose bare number means seconds.
func seconds(o *option.Set, dst *time.Duration, key string, def time.Duration, doc string) *option.Option {
	*dst = def
	return o.Func(key, "duration", option.FormatDuration(def), doc, func(text string) error {
		if _, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			text += " s"
		}
		d, err := option.ParseDuration(text)
		if err == nil && d <= 0 {
			err = fmt.Errorf("is not a time to wait")
		}
		*dst = d
		return err
	})
}

func bindCodes(o *option.Set, dst *codes, key, def, doc string) {
	if err := dst.set(def); err != nil {
		panic(err)
	}
	dst.given = false
	old(o.Func(key, "list", def, doc, dst.set))
}

// common is the options that asking and sending share, and the gate that all share that a table's Config makes.
type common struct {
	url    string
	urlKey string // the option that gives it; "": url
	format namedFormat

	user, password string
	apiKey         string
	secretQuery    map[string]string
	tokenRequest   string
	tokenURL       string
	tokenEarlier   time.Duration
	service        string
	session        aws.Session
	tls            tlsOptions

	rate         float64
	breakAfter   int
	breakFor     time.Duration
	maxAnswer    int64
	maxConns     int
	connectLimit time.Duration

	mu   sync.Mutex
	gate *gate
}

type tlsOptions struct {
	serverCerts, clientCert, clientKey string
	selfSigned                         bool
}

func (c *common) options(o *option.Set) {
	o.String(&c.url, "url", "", "Where the service is. `{column}` stands for a column's value. Keep secrets out of it: there are options for them.").Must()
	bindFormat(o, &c.format, "format", "How answers are read, and rows written.").Must()
	o.String(&c.user, "http.security.basic.username", "", "User of basic authentication.")
	o.String(&c.password, "http.security.basic.password", "", "Password of basic authentication.").Secret()
	o.String(&c.apiKey, "http.security.api-key", "", "Sent as the header `x-api-key`.").Secret()
	o.Map(&c.secretQuery, "http.security.query.*", "A parameter of the query of each request, as `'http.security.query.code' = '...'`. The values are secrets; those in the URL are not.").Secret()
	old(o.String(&c.tokenRequest, "http.security.oidc.token.request", "", "Body of the request for an access token, as `grant_type=client_credentials&client_id=...&client_secret=...`.").Secret())
	old(o.String(&c.tokenURL, "http.security.oidc.token.endpoint.url", "", "Where access tokens are asked for.")).Alias("http.security.oidc.token.endpoint-url")
	old(o.Duration(&c.tokenEarlier, "http.security.oidc.token.expiry.reduction", time.Second, "So long before a token ends another is asked for.")).Alias("http.security.oidc.token.expiry-reduction")
	o.String(&c.service, "aws.sigv4.service", "", "Sign requests for AWS, as this service: `execute-api` for API Gateway, `sagemaker`, `bedrock`, `lambda` for the URL of a function. Region and credentials are those of `aws.*`.")
	c.session.Options(o)
	c.shared(o)
	o.Unused("http.logging.level", "requests are not logged.")
}

// shared is the options of whoever asks by HTTP, models' providers too: certificates and limits.
func (c *common) shared(o *option.Set) {
	old(o.String(&c.tls.serverCerts, "http.security.cert.server", "", "PEM files of certificates to trust besides the system's, with commas between."))
	old(o.String(&c.tls.clientCert, "http.security.cert.client", "", "PEM file of the certificate to show to the server."))
	old(o.String(&c.tls.clientKey, "http.security.key.client", "", "PEM file of that certificate's key."))
	old(o.Bool(&c.tls.selfSigned, "http.security.cert.server.allowSelfSigned", false, "Whether to accept any certificate; only of servers on this machine."))
	o.Double(&c.rate, "http.rate-limit", 0, "Requests a second at most, of all tasks of the job together; 0 is no limit.").Range(0, 1e6)
	o.Int(&c.breakAfter, "http.circuit-breaker.failures", 50, "After so many failures in a row (no answer, or a code to try again at) all requests wait; then a single one tries. 0: never.").Range(0, 1e9)
	o.Duration(&c.breakFor, "http.circuit-breaker.wait", 2*time.Second, "How long they wait.")
	o.Memory(&c.maxAnswer, "http.response.max-size", 16<<20, "A longer answer is an error.")
	o.Int(&c.maxConns, "http.connections.max", 256, "Connections at once; they are kept for the next request.").Range(1, 65536)
	old(o.Duration(&c.connectLimit, "http.source.lookup.connection.timeout", 10*time.Second, "How long connecting may take."))
}

// retryOptions say what a status means, and when to try again.
type retryOptions struct {
	success, retry, ignored codes
	strategy                string
	fixed, initial, longest time.Duration
	factor                  float64
	times                   int
	timesKey, codesKey      string
	advice                  func(status int) string // what to do about a status; nil: that of tables
}

// retryDefaults differ between asking and sending.
type retryDefaults struct {
	timesKey string
	times    int
	strategy string
	initial  time.Duration
	longest  time.Duration
	factor   float64
	codes    string // to try again at; "": retryCodes
}

// retryCodes are the statuses that a later attempt may not meet.
const retryCodes = "429,500,502,503,504"

// retriesKey is the option of every table that is asked; Lookup finds its value.
const retriesKey = "lookup.max-retries"

func (r *retryOptions) options(o *option.Set, prefix string, d retryDefaults) {
	r.timesKey, r.codesKey = d.timesKey, prefix+"success-codes"
	bindCodes(o, &r.success, prefix+"success-codes", "2XX", "Status codes of good answers: codes, groups as 2XX, and !203 for one that is not meant.")
	bindCodes(o, &r.retry, prefix+"retry-codes", cmp.Or(d.codes, retryCodes), "Status codes after which the request is sent again; the pause that a server asks for with Retry-After is kept. (Flink's default lacks 429 and 502.)")
	bindCodes(o, &r.ignored, prefix+"ignored-response-codes", "", "Status codes that are no failure, and whose answers are not looked at, as 404 where it means that there is no row.")
	if r.times = d.times; d.timesKey != retriesKey {
		o.Int(&r.times, d.timesKey, d.times, "How often a request is sent again at most.").Range(0, 1e6)
	}
	old(o.Enum(&r.strategy, prefix+"retry-strategy.type", d.strategy, []string{"fixed-delay", "exponential-delay"}, "How the pause before another attempt grows. Up to half of it is left to chance."))
	old(o.Duration(&r.fixed, prefix+"retry-strategy.fixed-delay.delay", time.Second, "The pause, with fixed-delay."))
	old(o.Duration(&r.initial, prefix+"retry-strategy.exponential-delay.initial-backoff", d.initial, "The first pause, with exponential-delay."))
	old(o.Duration(&r.longest, prefix+"retry-strategy.exponential-delay.max-backoff", d.longest, "The longest pause, with exponential-delay; also the longest that Retry-After is followed, where it is more than a minute."))
	old(o.Double(&r.factor, prefix+"retry-strategy.exponential-delay.backoff-multiplier", d.factor, "Each pause is so many times the one before, with exponential-delay.").Range(1, 100))
}

// lookupOptions are the options of asking.
type lookupOptions struct {
	method        string
	requestFormat namedFormat
	queryFields   []string
	bodyFields    []string
	urlMap        string
	bodyTemplate  string
	extra         string
	batch         int
	askLinger     time.Duration
	headers       map[string]string
	rawAuth       bool
	goOn          bool
	timeout       time.Duration
	version       string
	proxyHost     string
	proxyPort     int
	proxyUser     string
	proxyPassword string
	lookupRetry   retryOptions
}

func (c *lookupOptions) options(o *option.Set) {
	const p = "http.source.lookup."
	o.Enum(&c.method, "lookup-method", "GET", []string{"GET", "POST", "PUT"}, "Method of the request.")
	bindFormat(o, &c.requestFormat, "lookup-request.format", "How the body of a request is written; json where it is not given.")
	old(o.StringList(&c.queryFields, "http.request.query-param-fields", nil, "Compared columns that become parameters of the query."))
	old(o.StringList(&c.bodyFields, "http.request.body-fields", nil, "Compared columns that make the body, with POST and PUT."))
	old(o.String(&c.urlMap, "http.request.url-map", "", "Columns and what stands for them in the URL, as `customerId:cid,orderId:oid` with `/customers/{cid}/orders/{oid}`. Without it columns stand there by their own names."))
	old(o.String(&c.bodyTemplate, "http.request.body-template", "", "The body, with `{{column}}` for values: `{\"instances\": [[{{amount}}]], \"id\": \"{{id}}\"}`. In JSON values are quoted as they must be."))
	old(o.String(&c.extra, "http.request.additional-body-json", "", "A JSON object whose fields are added to the body."))
	o.Int(&c.batch, "batch.max-size", 1, "Keys of one request at most. With more than 1 the body is a JSON array of what would be the bodies, and the answer a JSON array with a value for each in order: an object, an array of objects, or null.").Range(1, 10000)
	o.Duration(&c.askLinger, "batch.linger", 0, "How long a request that is not full waits for more keys. At 0 it has those that came together.")
	old(o.Map(&c.headers, p+"header.*", "A header of each request: `'http.source.lookup.header.Authorization' = 'Bearer ...'`. The values are secrets.").Secret())
	old(o.Bool(&c.rawAuth, p+"use-raw-authorization-header", false, "Send the header Authorization as it is given. Else one without a scheme, as `user:password`, is made one of basic authentication."))
	old(o.Bool(&c.goOn, p+"continue-on-error", false, "A request that fails in the end gives no row, or one of NULLs where the query reads metadata columns, which then say why; else it fails the query."))
	old(seconds(o, &c.timeout, p+"request.timeout", 30*time.Second, "How long an attempt may take; a bare number is seconds."))
	old(o.Enum(&c.version, p+"http-version", "", []string{"HTTP_1_1", "HTTP_2"}, "Speak this version only; else the connection decides."))
	old(o.String(&c.proxyHost, p+"proxy.host", "", "Host of a proxy. Without it HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment hold."))
	old(o.Int(&c.proxyPort, p+"proxy.port", 3128, "Port of the proxy.").Range(1, 65535))
	old(o.String(&c.proxyUser, p+"proxy.username", "", "User at the proxy."))
	old(o.String(&c.proxyPassword, p+"proxy.password", "", "Password at the proxy.").Secret())
	c.lookupRetry.options(o, p, retryDefaults{timesKey: retriesKey, times: 3, strategy: "fixed-delay", initial: time.Second, longest: time.Minute, factor: 1.5})
	o.Unused("asyncPolling", "requests always run side by side, bounded by table.exec.async-lookup.buffer-capacity.")
	for _, key := range []string{p + "request.thread-pool.size", p + "response.thread-pool.size"} {
		old(o.Unused(key, "requests under way are bounded by table.exec.async-lookup.buffer-capacity."))
	}
	old(o.Unused(p+"result-type", "an object is one row and an array of objects several."))
	old(o.Unused(p+"query-creator", "the request follows from the method, `http.request.*` and the URL."))
	old(o.Unused(p+"request-callback", "weir runs no Java classes."))
}

// sinkOptions are the options of sending.
type sinkOptions struct {
	insertMethod, updateMethod, deleteMethod string

	mode        string
	batchSize   int
	requestSize int
	bufferBytes int64
	linger      time.Duration
	maxInflight int
	sinkHeaders map[string]string
	sinkTimeout time.Duration
	sinkRetry   retryOptions
	errorCodes  codes
	errorsNot   codes
}

func (c *sinkOptions) options(o *option.Set) {
	const p = "http.sink."
	o.Enum(&c.insertMethod, "insert-method", "POST", []string{"POST", "PUT", "PATCH"}, "Method for rows that are inserted.")
	o.Enum(&c.updateMethod, "update-method", "", []string{"POST", "PUT", "PATCH"}, "Method for rows that are updated. Default: `insert-method`.")
	o.Enum(&c.deleteMethod, "delete-method", "DELETE", []string{"DELETE", "POST", "PUT", "PATCH"}, "Method for rows that are deleted. DELETE has no body where the URL names a column.")
	old(o.Enum(&c.mode, p+"writer.request.mode", "", []string{"single", "batch"}, "Whether a request has one row, or a JSON array of several (lines, with csv). Default: batch with JSON where the URL names no column."))
	o.Int(&c.batchSize, "sink.batch.max-size", 500, "Rows of one request at most, with batch.").Range(1, 100000)
	old(o.Int(&c.requestSize, p+"request.batch.size", 500, "Also bounds the rows of one request.").Range(1, 100000))
	o.Memory(&c.bufferBytes, "sink.flush-buffer.size", 5<<20, "Bytes of one request at most, but for a single row.")
	o.Duration(&c.linger, "sink.flush-buffer.timeout", 100*time.Millisecond, "How long a row waits for company. (Flink's default is 5 s.)")
	o.Int(&c.maxInflight, "sink.requests.max-inflight", 16, "Requests under way at once, of each parallel instance.").Range(1, 1024)
	o.Unused("sink.requests.max-buffered", "bounded by `sink.batch.max-size` and `sink.requests.max-inflight`.")
	old(o.Map(&c.sinkHeaders, p+"header.*", "A header of each request. The values are secrets.").Secret())
	old(seconds(o, &c.sinkTimeout, p+"request.timeout", 30*time.Second, "How long an attempt to send may take; a bare number is seconds."))
	c.sinkRetry.options(o, p, retryDefaults{timesKey: p + "retry.times", times: 10, strategy: "exponential-delay", initial: 200 * time.Millisecond, longest: 10 * time.Second, factor: 2})
	bindCodes(o, &c.errorCodes, p+"error.code", "", "Status codes that are failures; given, all others are good. Older than `http.sink.success-codes`.")
	bindCodes(o, &c.errorsNot, p+"error.code.exclude", "", "Status codes that are good nevertheless.")
	old(o.Unused(p+"writer.thread-pool.size", "bounded by `sink.requests.max-inflight`."))
	old(o.Unused(p+"request-callback", "weir runs no Java classes."))
}
