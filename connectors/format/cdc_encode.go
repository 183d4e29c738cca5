package format

import (
	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// Encoder implements Config.
func (c *cdcConfig) Encoder(cols types.Schema, _ *connectors.Env) (connectors.Encoder, error) {
	c.resolve()
	return &cdcEncoder{l: c.layout, rows: newJSONEncoder(&c.jsonConfig, cols)}, nil
}

// cdcEncoder writes each row as a record of its own: an update is a delete and an insert.
type cdcEncoder struct {
	l    *cdcLayout
	rows *jsonEncoder
}

// Encode implements connectors.Encoder.
func (e *cdcEncoder) Encode(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	adds := types.Adds(b.Kind(i))
	var err error
	field := func(open, key string) {
		dst = append(append(append(append(dst, open...), '"'), key...), `":`...)
	}
	row := func() {
		if e.l.list {
			dst = append(dst, '[')
		}
		if dst, err = e.rows.Encode(dst, b, i); e.l.list {
			dst = append(dst, ']')
		}
	}
	switch {
	case e.l.partial:
		field("{", e.l.newKey)
		row()
	case adds && e.rows.opts.ignoreNulls:
		field("{", e.l.newKey)
		row()
	case adds:
		field("{", e.l.oldKey)
		dst = append(dst, "null"...)
		field(",", e.l.newKey)
		row()
	default:
		field("{", e.l.oldKey)
		row()
		if !e.rows.opts.ignoreNulls {
			field(",", e.l.newKey)
			dst = append(dst, "null"...)
		}
	}
	field(",", e.l.opKey)
	word := e.l.removed
	if adds {
		word = e.l.added
	}
	return append(append(append(dst, '"'), word...), `"}`...), err
}
