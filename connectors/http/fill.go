package httpconn

import (
	"fmt"
	"strings"
	"sync"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// Text is a text with `{{column}}` for values in it, as a prompt or a body. It is safe for concurrent use.
type Text struct {
	t    template
	pool sync.Pool // of *values
}

// NewText takes a text apart, which an option gave. In JSON values are quoted as they must be; else they stand as CAST to STRING spells them.
func NewText(option, text string, json bool, cols types.Schema, env *connectors.Env) (*Text, error) {
	t, unknown := cut(text, cols.Index, func(before string) place { return placeIn(json, before) })
	for _, name := range unknown {
		if strings.HasPrefix(name, "{{") {
			return nil, fmt.Errorf("option %q: %s is no input of the model: it has %s", option, name, strings.Join(cols.Names(), ", "))
		}
	}
	out := &Text{t: t}
	out.pool.New = func() any { return newValues(cols, env) }
	return out, nil
}

// Columns are the inputs that the text names.
func (t *Text) Columns() []int { return t.t.columns() }

// Fill appends the text with the values of row i.
func (t *Text) Fill(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	v := t.pool.Get().(*values)
	defer t.pool.Put(v)
	v.batch = b
	return t.t.fill(dst, v, i)
}
