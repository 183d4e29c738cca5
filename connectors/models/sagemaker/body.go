package sagemaker

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"weir/connectors"
	"weir/connectors/format"
	"weir/connectors/models"
	"weir/sql/types"
	"weir/sql/vec"
)

// writer makes bodies of inputs. It is safe for concurrent use.
type writer struct {
	conf *config
	cols types.Schema
	pool sync.Pool // of connectors.Encoder
}

// newWriter finds what the format cannot do.
func newWriter(c *config, cols types.Schema, env *connectors.Env) (*writer, error) {
	name := "json"
	if c.contentType == typeCSV {
		name = "csv"
	}
	conf := format.Default(name)
	first, err := conf.Encoder(cols, env)
	if err != nil {
		return nil, fmt.Errorf("the body of requests: %w", err)
	}
	w := &writer{conf: c, cols: cols}
	w.pool.New = func() any {
		e, err := conf.Encoder(cols, env)
		if err != nil {
			panic(err) // it could be made before
		}
		return e
	}
	w.pool.Put(first)
	return w, nil
}

// body is that of a request for all rows of a batch.
func (w *writer) body(in *vec.Batch) ([]byte, error) {
	enc := w.pool.Get().(connectors.Encoder)
	defer w.pool.Put(enc)
	c := w.conf
	var dst []byte
	list := c.contentType == typeJSON && (c.combine.Size > 1 || c.field != "")
	if c.field != "" {
		name, err := json.Marshal(c.field)
		if err != nil {
			return nil, err
		}
		dst = append(append(append(dst, '{'), name...), ':')
	}
	if list {
		dst = append(dst, '[')
	}
	for i := range in.Len() {
		if i > 0 {
			if list {
				dst = append(dst, ',')
			} else {
				dst = append(dst, '\n')
			}
		}
		from := len(dst)
		var err error
		if dst, err = enc.Encode(dst, in, i); err != nil {
			return nil, err
		}
		if c.contentType == typeCSV {
			dst = bytes.TrimRight(dst, "\r\n")
			continue
		}
		if dst, err = w.shaped(dst, from); err != nil {
			return nil, err
		}
	}
	if list {
		dst = append(dst, ']')
	}
	if c.field != "" {
		dst = append(dst, '}')
	}
	return dst, nil
}

// shaped gives the object that begins at dst[from] the wanted shape.
func (w *writer) shaped(dst []byte, from int) ([]byte, error) {
	if w.conf.shape == "object" {
		return dst, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(dst[from:], &object); err != nil {
		return nil, err
	}
	dst = dst[:from]
	if w.conf.shape == "features" {
		dst = append(dst, `{"features":`...)
	}
	for i, c := range w.cols {
		sep := byte(',')
		if i == 0 {
			sep = '['
		}
		dst = append(append(dst, sep), object[c.Name]...)
	}
	dst = append(dst, ']')
	if w.conf.shape == "features" {
		dst = append(dst, '}')
	}
	return dst, nil
}

// lines are the values of an answer, one a line.
func (l *lookup) lines(body []byte, n int) (list []json.RawMessage, err error) {
	for _, line := range bytes.Split(body, []byte{'\n'}) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, err := models.Pick(line, l.conf.path)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(list)+1, err)
		}
		list = append(list, v)
	}
	if len(list) != n {
		return nil, fmt.Errorf("it has %d lines for %d inputs", len(list), n)
	}
	return list, nil
}

// readCSV adds a row for each line. Some algorithms put the scores of all inputs on one line.
func (l *lookup) readCSV(rows *models.Rows, body []byte, n int) error {
	var lines [][]string
	d := csv.NewReader(bytes.NewReader(body))
	d.FieldsPerRecord, d.TrimLeadingSpace = -1, true
	for {
		line, err := d.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	if l.width == 1 && len(lines) == 1 && n > 1 && len(lines[0]) == n {
		all := lines[0]
		lines = nil
		for _, v := range all {
			lines = append(lines, []string{v})
		}
	}
	if len(lines) != n {
		return fmt.Errorf("it has %d lines for %d inputs", len(lines), n)
	}
	for i, line := range lines {
		items := make([]json.RawMessage, len(line))
		for k, text := range line {
			if items[k] = scalar(text); k < len(l.texts) && l.texts[k] {
				items[k] = quote(text)
			}
		}
		if err := rows.Values(i, items); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

// scalar is a value of CSV as JSON.
func scalar(text string) json.RawMessage {
	text = strings.TrimSpace(text)
	switch low := strings.ToLower(text); {
	case text == "":
		return json.RawMessage("null")
	case low == "true", low == "false":
		return json.RawMessage(low)
	case json.Valid([]byte(text)) && text[0] != '"':
		return json.RawMessage(text)
	}
	return quote(text)
}

func quote(text string) json.RawMessage {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err) // texts can be marshalled
	}
	return out
}

// textColumns tells which columns are texts.
func textColumns(cols types.Schema) []bool {
	out := make([]bool, len(cols))
	for i, c := range cols {
		out[i] = c.Type.Kind == types.VarChar || c.Type.Kind == types.Char
	}
	return out
}
