package httpconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// lookup asks the service. It is safe for concurrent use: what has buffers lies in pools.
type lookup struct {
	conf   *config
	table  *connectors.TableDesc
	scan   connectors.LookupScan
	env    *connectors.Env
	client *client
	shape  shape
	schema *arrow.Schema // of the answers

	mu      sync.Mutex
	writers []*writer
	readers []connectors.Decoder
}

// shape says where the values of a key go.
type shape struct {
	url   template
	query []int // columns that become parameters
	body  []int // columns that make the body
	fill  template
	form  bool // the body is a form
	fixed bool // there is a body, without a value in it
}

var _ connectors.Lookup = (*lookup)(nil)

// Lookup implements connectors.LooksUp.
func (c *config) Lookup(t *connectors.TableDesc, scan connectors.LookupScan, env *connectors.Env) (connectors.Lookup, error) {
	if len(scan.Keys) == 0 {
		return nil, errors.New("a lookup join with an http table must compare at least one of its columns with '='")
	}
	if c.requestFormat.Config == nil {
		c.requestFormat = defaultJSON()
	}
	sh, err := c.shape(scan.Keys, env)
	if err != nil {
		return nil, err
	}
	for _, key := range scan.Metadata {
		if !slices.ContainsFunc(metadataKeys, func(k connectors.MetadataKey) bool { return k.Key == key }) {
			return nil, fmt.Errorf("an http table has no metadata %q", key)
		}
	}
	if text := t.Options[retriesKey]; text != "" {
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && n >= 0 {
			c.lookupRetry.times = n
		}
	}
	s := settings{headers: c.headers, rawAuth: c.rawAuth, timeout: c.timeout, retry: &c.lookupRetry, version: c.version, table: t.Name}
	if c.format.json() {
		s.accept = "application/json"
	}
	if c.proxyHost != "" {
		s.proxy = &url.URL{Scheme: "http", Host: net.JoinHostPort(c.proxyHost, strconv.Itoa(c.proxyPort))}
		if c.proxyUser != "" {
			s.proxy.User = url.UserPassword(c.proxyUser, c.proxyPassword)
		}
	}
	cl, err := c.client(s, env)
	if err != nil {
		return nil, err
	}
	l := &lookup{conf: c, table: t, scan: scan, env: env, client: cl, shape: sh, schema: answerSchema(scan).Arrow()}
	w, err := l.writer() // finds what the formats cannot do
	if err != nil {
		return nil, err
	}
	r, err := l.reader()
	if err != nil {
		return nil, err
	}
	l.writers, l.readers = []*writer{w}, []connectors.Decoder{r}
	return connectors.Combined(l, c.askLinger), nil
}

// shape decides where the compared columns go.
func (c *config) shape(keys types.Schema, env *connectors.Env) (s shape, err error) {
	names := map[string]int{}
	for i, k := range keys {
		names[k.Name] = i
	}
	inURL, err := c.urlNames(names)
	if err != nil {
		return s, err
	}
	if s.url, err = urlTemplate(c.url, inURL); err != nil {
		return s, err
	}
	used := map[int]bool{}
	for _, i := range s.url.columns() {
		used[i] = true
	}
	if s.query, err = pick(names, c.queryFields, "http.request.query-param-fields", used); err != nil {
		return s, err
	}
	if c.method == http.MethodGet {
		if len(c.bodyFields) > 0 || c.bodyTemplate != "" || c.extra != "" {
			return s, errors.New("'lookup-method' = 'GET' has no body: take out 'http.request.body-fields', 'http.request.body-template' and 'http.request.additional-body-json', or use POST")
		}
		if len(c.queryFields) == 0 {
			s.query = unused(keys, used)
		}
	} else if err := c.bodyShape(&s, keys, names, used); err != nil {
		return s, err
	}
	if left := unused(keys, used); len(left) > 0 && env.Warn != nil {
		env.Warn(fmt.Sprintf("the join compares column %q, which has no place in the request to %q: answers for all its values are the same", keys[left[0]].Name, hideURL(c.url)))
	}
	if c.batch > 1 && (c.method == http.MethodGet || len(s.query) > 0 || len(s.url.columns()) > 0) {
		return s, errors.New("'batch.max-size' puts the keys into the body: use 'lookup-method' = 'POST', and no column in 'url' or 'http.request.query-param-fields'")
	}
	return s, nil
}

// bodyShape decides what the body has: the template, the named fields, or all that has no place yet.
func (c *config) bodyShape(s *shape, keys types.Schema, names map[string]int, used map[int]bool) (err error) {
	for name, v := range c.headers {
		s.form = s.form || strings.EqualFold(name, "Content-Type") && strings.HasPrefix(strings.ToLower(v), "application/x-www-form-urlencoded")
	}
	if c.extra != "" && (!strings.HasPrefix(strings.TrimSpace(c.extra), "{") || !strings.HasSuffix(strings.TrimSpace(c.extra), "}") || !c.requestFormat.json()) {
		return errors.New("option \"http.request.additional-body-json\" is no JSON object, or the body is none")
	}
	if c.bodyTemplate != "" {
		if len(c.bodyFields) > 0 {
			return errors.New("'http.request.body-fields' and 'http.request.body-template' exclude each other")
		}
		s.fill, err = bodyTemplate(c.bodyTemplate, func(name string) int {
			if i, ok := names[name]; ok {
				return i
			}
			return -1
		}, s.form)
		for _, i := range s.fill.columns() {
			used[i] = true
		}
		return err
	}
	s.body, err = pick(names, c.bodyFields, "http.request.body-fields", used)
	if len(c.bodyFields) == 0 {
		s.body = unused(keys, used)
	}
	return err
}

// urlNames maps what stands in the URL's braces to columns. Either side of an entry of the map may be the column.
func (c *config) urlNames(names map[string]int) (map[string]int, error) {
	out := map[string]int{}
	for name, i := range names {
		out[name] = i
	}
	for _, entry := range strings.Split(c.urlMap, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		a, b, ok := strings.Cut(entry, ":")
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		if !ok || a == "" || b == "" {
			return nil, fmt.Errorf("option \"http.request.url-map\": %q is no pair: write column:name,column:name", entry)
		}
		if i, ok := names[a]; ok {
			out[b] = i
		} else if i, ok := names[b]; ok {
			out[a] = i
		} else {
			return nil, notCompared("http.request.url-map", a)
		}
	}
	return out, nil
}

func notCompared(option, name string) error {
	return fmt.Errorf("option %q names column %q, which the join does not compare: add it to ON, or take it out", option, name)
}

// pick finds named columns, and notes them as used.
func pick(names map[string]int, list []string, option string, used map[int]bool) ([]int, error) {
	var out []int
	for _, name := range list {
		i, ok := names[name]
		if !ok {
			return nil, notCompared(option, name)
		}
		out = append(out, i)
		used[i] = true
	}
	return out, nil
}

// unused lists the keys that have no place yet, and gives them one.
func unused(keys types.Schema, used map[int]bool) (out []int) {
	for i := range keys {
		if !used[i] {
			out = append(out, i)
			used[i] = true
		}
	}
	return out
}

// MaxKeys implements connectors.Lookup.
func (l *lookup) MaxKeys() int { return l.conf.batch }

// Close implements connectors.Lookup.
func (l *lookup) Close() error {
	l.client.close()
	return nil
}

// Ask implements connectors.Lookup.
func (l *lookup) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	w, err := l.writer()
	if err != nil {
		return nil, nil, err
	}
	q, err := w.call(keys)
	if err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	l.writers = append(l.writers, w)
	l.mu.Unlock()
	a, err := l.client.send(ctx, q)
	if err == nil {
		return l.rows(q, keys, a)
	}
	f := &failure{}
	if !errors.As(err, &f) {
		return nil, nil, err
	}
	return l.failed(keys, f, nil)
}

// failed gives what a failure means: rows that tell of it, none, or the error.
func (l *lookup) failed(keys *vec.Batch, f *failure, body []byte) (*vec.Batch, []int32, error) {
	if l.conf.goOn {
		text := f.text
		if body != nil {
			text = string(body)
		}
		return l.empty(keys, report{text: text, isError: true, status: f.status, header: f.header, state: f.state})
	}
	return nil, nil, refused(f) // not Retryable: the attempts were made here, with the pauses that the table and the server want
}

// Status implements connectors.Waiting.
func (l *lookup) Status() string { return l.client.gate.status() }

// writer takes a writer of the pool, or makes one.
func (l *lookup) writer() (*writer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.writers); n > 0 {
		w := l.writers[n-1]
		l.writers = l.writers[:n-1]
		return w, nil
	}
	return newWriter(l)
}

// writer makes requests. It is used by one goroutine at a time.
type writer struct {
	l      *lookup
	values *values
	cols   types.Schema // of the body
	arrow  *arrow.Schema
	enc    connectors.Encoder
}

func newWriter(l *lookup) (*writer, error) {
	w := &writer{l: l, values: newValues(l.scan.Keys, l.env)}
	if len(l.shape.body) > 0 && l.shape.fill == nil && !l.shape.form {
		w.cols = l.scan.Keys.Select(l.shape.body)
		w.arrow = w.cols.Arrow()
		enc, err := l.conf.requestFormat.Encoder(w.cols, l.env)
		if err != nil {
			return nil, fmt.Errorf("the body of requests: %w", err)
		}
		w.enc = enc
	}
	return w, nil
}

// call makes the request for some keys.
func (w *writer) call(keys *vec.Batch) (*call, error) {
	w.values.batch = keys
	sh, conf := &w.l.shape, w.l.conf
	q := &call{method: conf.method}
	var err error
	if q.url, q.shown, err = sh.url.expand(w.values, 0); err != nil {
		return nil, err
	}
	if len(sh.query) > 0 {
		params, err := w.params(sh.query, 0)
		if err != nil {
			return nil, err
		}
		q.url, q.shown = addQuery(q.url, params), addQuery(q.shown, params)
	}
	if conf.method == http.MethodGet {
		return q, nil
	}
	q.contentType = contentType(conf.requestFormat, sh.fill, conf.bodyTemplate)
	var inner *vec.Batch
	if w.enc != nil {
		cols := make([]arrow.Array, len(sh.body))
		for i, c := range sh.body {
			cols[i] = keys.Col(c)
		}
		inner = vec.New(w.arrow, cols, keys.Len(), nil)
	}
	if conf.batch == 1 {
		q.body, err = w.body(nil, inner, 0)
		return q, err
	}
	q.body = append(q.body, '[')
	for i := range keys.Len() {
		if i > 0 {
			q.body = append(q.body, ',')
		}
		if q.body, err = w.body(q.body, inner, i); err != nil {
			return nil, err
		}
	}
	q.body = append(q.body, ']')
	return q, nil
}

// body appends what one key puts into the body.
func (w *writer) body(dst []byte, inner *vec.Batch, i int) ([]byte, error) {
	sh, from := &w.l.shape, len(dst)
	var err error
	switch {
	case sh.fill != nil:
		dst, err = sh.fill.fill(dst, w.values, i)
	case w.enc != nil:
		dst, err = w.enc.Encode(dst, inner, i)
	case sh.form && len(sh.body) > 0:
		var params string
		params, err = w.params(sh.body, i)
		dst = append(dst, params...)
	case w.l.conf.extra != "":
		dst = append(dst, "{}"...)
	}
	if extra := strings.TrimSpace(w.l.conf.extra); err == nil && extra != "" {
		dst, err = merge(dst, from, extra)
	}
	return dst, err
}

// merge adds the fields of a JSON object to the one that begins at dst[from].
func merge(dst []byte, from int, extra string) ([]byte, error) {
	body := strings.TrimSpace(string(dst[from:]))
	if !strings.HasPrefix(body, "{") || !strings.HasSuffix(body, "}") {
		return dst, errors.New("option \"http.request.additional-body-json\": the body is no JSON object to add to")
	}
	dst = append(dst[:from], body[:len(body)-1]...)
	if rest := strings.TrimSpace(extra[1 : len(extra)-1]); rest != "" {
		if strings.TrimSpace(body[1:len(body)-1]) != "" {
			dst = append(dst, ',')
		}
		dst = append(dst, rest...)
	}
	return append(dst, '}'), nil
}

// params spells columns as name=value&name=value.
func (w *writer) params(cols []int, i int) (string, error) {
	var out []string
	for _, c := range cols {
		text, err := w.values.text(c, i)
		if err != nil {
			return "", err
		}
		out = append(out, url.QueryEscape(w.l.scan.Keys[c].Name)+"="+url.QueryEscape(text))
	}
	return strings.Join(out, "&"), nil
}

func addQuery(text, params string) string {
	switch {
	case !strings.Contains(text, "?"):
		return text + "?" + params
	case strings.HasSuffix(text, "?"), strings.HasSuffix(text, "&"):
		return text + params
	}
	return text + "&" + params
}

// contentType is that of a body, unless a header says another.
func contentType(f namedFormat, fill template, text string) string {
	t := strings.TrimSpace(text)
	switch {
	case fill != nil && !strings.HasPrefix(t, "{") && !strings.HasPrefix(t, "["):
		return "text/plain; charset=utf-8"
	case fill != nil || f.json():
		return "application/json"
	case f.name == "csv":
		return "text/csv"
	}
	return "application/octet-stream"
}
