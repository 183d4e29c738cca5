package format

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
)

// Texts builds a column of any simple type from texts, as they are spelled in JSON strings; timestamps
// with a blank or a T between date and time. It is used by one goroutine.
type Texts struct {
	f jsonField
	n int
}

// NewTexts makes a builder; the type must not be nested.
func NewTexts(t types.Type) *Texts {
	b := &Texts{f: jsonField{typ: t, c: newCol(t), ltz: isLTZ(t)}}
	b.f.c.reset(64)
	return b
}

// Add appends a value.
func (b *Texts) Add(text []byte) error {
	b.AddNull()
	t := token{text: text, kind: '"'}
	if b.f.typ.IsBytes() {
		b.f.c.setString(b.n-1, text)
		return nil
	}
	if b.f.set(b.n-1, t, styleSQL) || b.f.typ.IsTimestamp() && b.f.set(b.n-1, t, styleISO) {
		return nil
	}
	return fmt.Errorf("cannot read %s as %s", excerpt(text), b.f.typ.WithNull(true))
}

// AddNull appends NULL.
func (b *Texts) AddNull() {
	b.n++
	b.f.c.grow(b.n)
}

// Array gives the column and starts a new one.
func (b *Texts) Array() arrow.Array {
	out := b.f.c.finish(b.n)
	b.n = 0
	b.f.c.reset(64)
	return out
}
