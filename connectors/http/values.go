package httpconn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// values spells the values of a batch's columns, for URLs and bodies. It is used by one goroutine.
type values struct {
	cols  types.Schema
	env   *connectors.Env
	batch *vec.Batch
	cells []cell
	buf   []byte
}

// cell spells one column.
type cell struct {
	of    *vec.Batch // what text and alone were made of
	text  *fn.Text
	alone *vec.Batch         // the column as a batch
	json  connectors.Encoder // of alone
}

func newValues(cols types.Schema, env *connectors.Env) *values {
	return &values{cols: cols, env: env, cells: make([]cell, len(cols))}
}

func (v *values) cell(col int) *cell {
	c := &v.cells[col]
	if c.of != v.batch {
		c.of, c.text, c.alone = v.batch, nil, nil
	}
	return c
}

// text spells a value as CAST to STRING does.
func (v *values) text(col, i int) (string, error) {
	c := v.cell(col)
	if c.text == nil {
		c.text = fn.NewText(v.cols[col].Type, v.batch.Col(col), v.env.Zone)
	}
	if c.text.Null(i) {
		return "", fmt.Errorf("column %q is NULL, and has a place in the request's URL or body: leave such rows out with WHERE", v.cols[col].Name)
	}
	v.buf = c.text.Append(v.buf[:0], i)
	return string(v.buf), nil
}

// json spells a value as the json format does. The bytes last until the next call.
func (v *values) json(col, i int) ([]byte, error) {
	c, schema := v.cell(col), v.cols[col:col+1]
	if c.json == nil {
		enc, err := defaultJSON().Encoder(types.Schema{{Name: "v", Type: schema[0].Type}}, v.env)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", schema[0].Name, err)
		}
		c.json = enc
	}
	if c.alone == nil {
		c.alone = vec.New(schema.Arrow(), []arrow.Array{v.batch.Col(col)}, v.batch.Len(), nil)
	}
	var err error
	if v.buf, err = c.json.Encode(v.buf[:0], c.alone, i); err != nil {
		return nil, err
	}
	return v.buf[len(`{"v":`) : len(v.buf)-1], nil
}
