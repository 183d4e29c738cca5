package httpconn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/connectors"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// SinkMode implements connectors.Writes: the format's mode, and with a primary key updates and deletes.
func (c *config) SinkMode(t *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	return sinkMode(&c.common, t, requested), nil
}

// SinkMode implements connectors.Writes, as config's does.
func (c *sinkConfig) SinkMode(t *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	return sinkMode(&c.common, t, requested), nil
}

func sinkMode(c *common, t *connectors.TableDesc, requested types.ChangelogMode) types.ChangelogMode {
	mode := c.format.SinkMode(requested)
	if mode.AppendOnly() && !requested.AppendOnly() && len(t.PrimaryKey) > 0 {
		return types.UpsertMode
	}
	return mode
}

// WritableMetadata implements connectors.Writes.
func (c *config) WritableMetadata() []connectors.MetadataKey     { return nil }
func (c *sinkConfig) WritableMetadata() []connectors.MetadataKey { return nil }

// Sink implements connectors.Writes.
func (c *config) Sink(t *connectors.TableDesc, env *connectors.Env, _, _ int) (connectors.Sink, error) {
	return newSink(&c.common, &c.sinkOptions, t, env)
}

// Sink implements connectors.Writes.
func (c *sinkConfig) Sink(t *connectors.TableDesc, env *connectors.Env, _, _ int) (connectors.Sink, error) {
	return newSink(&c.common, &c.sinkOptions, t, env)
}

// sink sends rows: at-least-once. Those of a primary key stay in order.
type sink struct {
	opts   *sinkOptions
	conf   *common
	env    *connectors.Env
	desc   *connectors.TableDesc
	client *client
	url    template
	single bool // a row a request
	plain  bool // the format does not say what became of a row: the method does
	size   int  // rows of a request at most
	enc    connectors.Encoder
	values *values
	keys   []int // columns of the primary key

	*connectors.Requests

	buf    []entry
	method string // of the rows in buf
	bytes  int
	since  time.Time // when the oldest row in buf came
}

// entry is a row to be sent.
type entry struct {
	data       []byte
	key        string
	url, shown string // of a single row
}

func newSink(c *common, opts *sinkOptions, t *connectors.TableDesc, env *connectors.Env) (connectors.Sink, error) {
	s := &sink{opts: opts, conf: c, env: env, desc: t, Requests: connectors.NewRequests(opts.maxInflight)}
	names := map[string]int{}
	for i, col := range t.Columns {
		names[col.Name] = i
	}
	var err error
	if s.url, err = urlTemplate(c.url, names); err != nil {
		return nil, err
	}
	for _, name := range t.PrimaryKey {
		if i, ok := names[name]; ok {
			s.keys = append(s.keys, i)
		}
	}
	inURL := len(s.url.columns()) > 0
	s.single = opts.mode == "single" || opts.mode == "" && (inURL || !c.format.json())
	switch {
	case opts.mode == "batch" && inURL:
		return nil, errors.New("'http.sink.writer.request.mode' = 'batch' sends several rows to one URL: take the columns out of 'url', or use 'single'")
	case opts.mode == "batch" && !c.format.json() && c.format.name != "csv":
		return nil, fmt.Errorf("'http.sink.writer.request.mode' = 'batch' is for json and csv, not for '%s': use 'single'", c.format.name)
	}
	if s.size = min(opts.batchSize, opts.requestSize); s.single {
		s.size = 1
	}
	if opts.errorCodes.given {
		opts.sinkRetry.success = allBut(opts.errorCodes)
	}
	for status := range opts.errorsNot.in {
		opts.sinkRetry.success.in[status] = true
	}
	s.plain = c.format.SinkMode(types.RetractMode).AppendOnly()
	if s.enc, err = c.format.Encoder(t.Columns, env); err != nil {
		return nil, err
	}
	s.values = newValues(t.Columns, env)
	s.client, err = c.client(settings{headers: opts.sinkHeaders, timeout: opts.sinkTimeout, retry: &opts.sinkRetry, table: t.Name}, env)
	return s, err
}

// allBut is the codes that another list lacks.
func allBut(c codes) codes {
	out := codes{in: map[int]bool{}, out: map[int]bool{}, given: true}
	for status := 100; status < 600; status++ {
		if !c.has(status) {
			out.in[status] = true
		}
	}
	return out
}

// methodOf is the method for a row of a kind.
func (s *sink) methodOf(kind types.RowKind) string {
	switch {
	case !s.plain || kind == types.Insert:
	case kind == types.Delete || kind == types.UpdateBefore:
		return s.opts.deleteMethod
	case s.opts.updateMethod != "":
		return s.opts.updateMethod
	}
	return s.opts.insertMethod
}

// Write makes records of rows, and sends full requests.
func (s *sink) Write(ctx context.Context, b *vec.Batch) error {
	s.Open(ctx)
	s.values.batch = b
	for i := range b.Len() {
		method := s.methodOf(b.Kind(i))
		e, err := s.entry(b, i, method)
		if err != nil {
			return &connectors.Refusal{Row: i, Err: err}
		}
		if len(s.buf) > 0 && (method != s.method || s.bytes+len(e.data) > int(s.opts.bufferBytes)) {
			if err := s.send(ctx); err != nil {
				return err
			}
		}
		if len(s.buf) == 0 {
			s.since, s.method = s.env.Now(), method
		}
		s.buf = append(s.buf, e)
		s.bytes += len(e.data) + 1
		if len(s.buf) >= s.size {
			if err := s.send(ctx); err != nil {
				return err
			}
		}
	}
	return s.Err()
}

func (s *sink) entry(b *vec.Batch, i int, method string) (e entry, err error) {
	if e.data, err = s.enc.Encode(nil, b, i); err != nil {
		return e, fmt.Errorf("%s: %w", hideURL(s.conf.url), err)
	}
	if s.single {
		if e.url, e.shown, err = s.url.expand(s.values, i); err != nil {
			return e, err
		}
	}
	var key []byte
	for _, c := range s.keys {
		key = fn.AppendText(key, s.desc.Columns[c].Type, b.Col(c), i, s.env.Zone)
		key = append(key, 0)
	}
	e.key = string(key)
	return e, nil
}

// Flush sends what is buffered and waits until the service has taken everything.
func (s *sink) Flush(ctx context.Context) ([]byte, error) {
	if err := s.send(ctx); err != nil {
		return nil, err
	}
	return nil, s.Wait(ctx)
}

// Commit has nothing to publish: rows are there once they are taken.
func (s *sink) Commit(context.Context, []byte) error { return nil }

// Close gives up what was not flushed.
func (s *sink) Close() error {
	s.Stop()
	s.client.close()
	return nil
}

// FlushInterval is how long a row waits for company.
func (s *sink) FlushInterval() time.Duration { return max(s.opts.linger, time.Millisecond) }

// Tick sends a buffer that has waited long enough.
func (s *sink) Tick(ctx context.Context) error {
	if len(s.buf) > 0 && s.env.Now().Sub(s.since) >= s.opts.linger {
		return s.send(ctx)
	}
	return s.Err()
}

// body joins the rows of a request.
func (s *sink) body(batch []entry) []byte {
	if s.single {
		return batch[0].data
	}
	n := 2
	for _, e := range batch {
		n += len(e.data) + 1
	}
	out, end := make([]byte, 0, n), byte('\n')
	if s.conf.format.json() {
		out, end = append(out, '['), ','
	}
	for i, e := range batch {
		if i > 0 {
			out = append(out, end)
		}
		out = append(out, e.data...)
	}
	if end == ',' {
		return append(out, ']')
	}
	return append(out, '\n')
}

// noBody tells whether a request says all in its URL.
func (s *sink) noBody(method string) bool {
	return method == "DELETE" && s.plain && len(s.url.columns()) > 0 || strings.EqualFold(method, "GET")
}

var (
	_ connectors.Lingerer = (*sink)(nil)
	_ connectors.Refuser  = (*sink)(nil)
)
