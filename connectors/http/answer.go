package httpconn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// The metadata columns.
const (
	metaError   = "error-string"
	metaStatus  = "http-status-code"
	metaHeaders = "http-headers-map"
	metaState   = "http-completion-state"
)

var metadataKeys = []connectors.MetadataKey{
	{Key: metaError, Type: types.StringType, Doc: "Why the request failed; of an answer that cannot be read, the answer. NULL where it did not fail."},
	{Key: metaStatus, Type: types.IntType, Doc: "Status code of the answer; NULL where there was none."},
	{Key: metaHeaders, Type: types.MapType(types.StringType, types.ArrayType(types.StringType)), Doc: "Headers of the answer, by their names in lower case."},
	{Key: metaState, Type: types.StringType, Doc: "SUCCESS, HTTP_ERROR_STATUS, EXCEPTION or UNABLE_TO_DESERIALIZE_RESPONSE."},
}

// Metadata lists what an answer offers besides its rows.
func (c *config) Metadata() []connectors.MetadataKey { return metadataKeys }

// report is what the metadata columns of an answer's rows say.
type report struct {
	text    string
	isError bool
	status  int
	header  http.Header
	state   string
}

// answerSchema is the columns of answers: those wanted, then metadata.
func answerSchema(scan connectors.LookupScan) types.Schema {
	out := slices.Clone(scan.Columns)
	for _, key := range scan.Metadata {
		for _, k := range metadataKeys {
			if k.Key == key {
				out = append(out, types.Column{Name: key, Type: k.Type})
			}
		}
	}
	return out
}

// reader takes a decoder of the pool, or makes one.
func (l *lookup) reader() (connectors.Decoder, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.readers); n > 0 {
		r := l.readers[n-1]
		l.readers = l.readers[:n-1]
		return r, nil
	}
	d, err := l.conf.format.Decoder(l.scan.Columns, l.table.Columns, l.env)
	if err == nil {
		return d, nil
	}
	// A format without names, such as raw, has no place for the columns that are compared: the answer lacks them.
	want, all := l.without(l.scan.Columns), l.without(l.table.Columns)
	inner, again := l.conf.format.Decoder(want, all, l.env)
	if again != nil {
		return nil, fmt.Errorf("reading answers: %w", err)
	}
	return &widened{inner, l.scan.Columns, want}, nil
}

// without is a schema less the compared columns.
func (l *lookup) without(s types.Schema) (out types.Schema) {
	for _, c := range s {
		if l.scan.Keys.Index(c.Name) < 0 {
			out = append(out, c)
		}
	}
	return out
}

// widened decodes some of the wanted columns; the others are NULL.
type widened struct {
	connectors.Decoder
	all, some types.Schema
}

// Decode implements connectors.Decoder.
func (w *widened) Decode(c *connectors.Chunk, lo, hi int, out *connectors.Decoded) error {
	if err := w.Decoder.Decode(c, lo, hi, out); err != nil {
		return err
	}
	cols := make([]arrow.Array, len(w.all))
	for i, col := range w.all {
		if at := w.some.Index(col.Name); at >= 0 {
			cols[i] = out.Cols[at]
		} else {
			cols[i] = vec.NullColumn(col.Type, out.N)
		}
	}
	out.Cols = cols
	return nil
}

// rows makes rows of an answer.
func (l *lookup) rows(q *call, keys *vec.Batch, a *answer) (*vec.Batch, []int32, error) {
	rep := report{status: a.status, header: a.header, state: stateSuccess}
	if a.ignored {
		return l.empty(keys, rep)
	}
	chunk, of, err := l.records(keys.Len(), a.body)
	var out connectors.Decoded
	if err == nil {
		err = l.decode(chunk, &out)
	}
	if err != nil {
		f := &failure{state: stateDecode, status: a.status, header: a.header}
		l.client.meter.Unreadable()
		f.text = fmt.Sprintf("%s %s: the answer cannot be read as '%s': %s; it begins with %s", q.method, q.shown, l.conf.format.name, err, l.client.excerpt(a.request, a.body))
		return l.failed(keys, f, []byte(l.client.clean(a.request, string(a.body[:min(len(a.body), connectors.MaxRejectedBytes)]))))
	}
	belongs := make([]int32, out.N)
	for i := range belongs {
		rec := i
		if out.Record != nil {
			rec = int(out.Record[i])
		}
		belongs[i] = of[rec]
	}
	return l.finish(keys, out.Cols, belongs, rep), belongs, nil
}

func (l *lookup) decode(c *connectors.Chunk, out *connectors.Decoded) error {
	d, err := l.reader()
	if err != nil {
		return err
	}
	if err := d.Decode(c, 0, c.Len(), out); err != nil {
		return err
	}
	l.mu.Lock()
	l.readers = append(l.readers, d)
	l.mu.Unlock()
	if len(out.Rejects) > 0 {
		return out.Rejects[0].Err
	}
	return nil
}

// records takes an answer apart. Record i belongs to key of[i].
func (l *lookup) records(keys int, body []byte) (c *connectors.Chunk, of []int32, err error) {
	c = &connectors.Chunk{Data: body, MillisBehind: -1, Describe: func(int) string { return "the answer" }}
	add := func(beg, end int, key int32) {
		c.Beg, c.End, of = append(c.Beg, int32(beg)), append(c.End, int32(end)), append(of, key)
	}
	json := l.conf.format.json()
	trimmed := bytes.TrimSpace(body)
	switch {
	case l.conf.batch > 1:
		parts, err := elements(body, keys)
		if err != nil {
			return nil, nil, err
		}
		c.Data = nil
		for i, p := range parts {
			if p = bytes.TrimSpace(p); len(p) > 0 && string(p) != "null" {
				from := len(c.Data)
				c.Data = append(c.Data, p...)
				add(from, len(c.Data), int32(i))
			}
		}
	case json && (len(trimmed) == 0 || string(trimmed) == "null"):
	case json, l.conf.format.name == "raw":
		add(0, len(body), 0)
	default:
		framing := l.conf.format.Framing()
		for from := 0; from < len(body); {
			end, next := framing.Next(body, from, true)
			if end > from {
				add(from, end, 0)
			}
			from = next
		}
	}
	return c, of, nil
}

// elements are the values of a JSON array, of which there must be one a key.
func elements(body []byte, keys int) ([]json.RawMessage, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(body, &parts); err != nil {
		return nil, fmt.Errorf("with 'batch.max-size' it must be a JSON array with a value for each key: %w", err)
	}
	if len(parts) != keys {
		return nil, fmt.Errorf("it has %d values for %d keys", len(parts), keys)
	}
	return parts, nil
}

// empty gives a row of NULLs for each key where metadata columns are wanted, else none.
func (l *lookup) empty(keys *vec.Batch, rep report) (*vec.Batch, []int32, error) {
	n := keys.Len()
	if len(l.scan.Metadata) == 0 {
		n = 0
	}
	cols, of := make([]arrow.Array, len(l.scan.Columns)), make([]int32, n)
	for i, c := range l.scan.Columns {
		cols[i] = vec.NullColumn(c.Type, n)
	}
	for i := range of {
		of[i] = int32(i)
	}
	return l.finish(keys, cols, of, rep), of, nil
}

// finish gives compared columns that the answer lacks the asked values, and adds the metadata.
func (l *lookup) finish(keys *vec.Batch, cols []arrow.Array, of []int32, rep report) *vec.Batch {
	n := len(of)
	cols = slices.Clone(cols)
	for i, c := range l.scan.Columns {
		k := l.scan.Keys.Index(c.Name)
		if k < 0 || cols[i].NullN() == 0 {
			continue
		}
		b := vec.NewBuilder(c.Type)
		for r := range n {
			if cols[i].IsNull(r) {
				b.AppendFrom(keys.Col(k), int(of[r]))
			} else {
				b.AppendFrom(cols[i], r)
			}
		}
		cols[i] = b.Array()
	}
	for _, key := range l.scan.Metadata {
		cols = append(cols, rep.column(key, n))
	}
	return vec.New(l.schema, cols, n, nil)
}

// column is a metadata column of n equal values.
func (rep report) column(key string, n int) arrow.Array {
	var t types.Type
	for _, k := range metadataKeys {
		if k.Key == key {
			t = k.Type
		}
	}
	b := vec.NewBuilder(t)
	for range n {
		switch b := b.(type) {
		case *vec.TextBuilder:
			switch {
			case key == metaState:
				b.AppendString(rep.state)
			case rep.isError:
				b.AppendString(rep.text)
			default:
				b.AppendNull()
			}
		case *vec.FixedBuilder[int32]:
			if rep.status == 0 {
				b.AppendNull()
			} else {
				b.Append(int32(rep.status))
			}
		case *vec.MapBuilder:
			rep.headers(b)
		}
	}
	return b.Array()
}

func (rep report) headers(b *vec.MapBuilder) {
	if rep.header == nil {
		b.AppendNull()
		return
	}
	names := make([]string, 0, len(rep.header))
	for name := range rep.header {
		names = append(names, name)
	}
	sort.Strings(names)
	items := b.Items.(*vec.ListBuilder)
	for _, name := range names {
		b.Keys.(*vec.TextBuilder).AppendString(strings.ToLower(name))
		for _, v := range rep.header[name] {
			items.Elem.(*vec.TextBuilder).AppendString(v)
		}
		items.Append()
	}
	b.Append()
}
