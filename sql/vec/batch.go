// Package vec holds weir's batches and vectors: columns of values in Arrow's layout, and the loops
// that take, filter, concatenate, compare, hash and encode them.
//
// Contract: a Batch and a Vec are immutable once handed on, so any number of readers may share them
// and slices of them. The garbage collector owns their memory: nobody calls Retain or Release.
package vec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
)

// Batch is some rows of one schema.
type Batch struct {
	Rows  arrow.RecordBatch // column i is column i of the plan node's schema
	Kinds []types.RowKind   // a kind a row; nil means all rows are inserts (the fast path)
}

// Len is the number of rows.
func (b *Batch) Len() int { return int(b.Rows.NumRows()) }

// Col is column i.
func (b *Batch) Col(i int) arrow.Array { return b.Rows.Column(i) }

// Kind is the kind of row i.
func (b *Batch) Kind(i int) types.RowKind {
	if b.Kinds == nil {
		return types.Insert
	}
	return b.Kinds[i]
}

// New makes a batch of n rows from columns in the layout of the schema.
func New(schema *arrow.Schema, cols []arrow.Array, n int, kinds []types.RowKind) *Batch {
	return &Batch{Rows: array.NewRecordBatch(schema, cols, int64(n)), Kinds: kinds}
}

// Slice is rows [lo, hi), sharing memory with b.
func (b *Batch) Slice(lo, hi int) *Batch {
	if lo == 0 && hi == b.Len() {
		return b
	}
	out := &Batch{Rows: b.Rows.NewSlice(int64(lo), int64(hi))}
	if b.Kinds != nil {
		out.Kinds = b.Kinds[lo:hi]
	}
	return out
}

// Vec is n values of one type: a column of n rows, or one constant that stands for each of them.
type Vec struct {
	Arr   arrow.Array // n values, or exactly one when Const
	Const bool
}

// ColVec is a column as a Vec.
func ColVec(a arrow.Array) Vec { return Vec{Arr: a} }

// ConstVec is a constant (an array of one value) as a Vec.
func ConstVec(a arrow.Array) Vec { return Vec{Arr: a, Const: true} }

// At maps a row to its index in Arr.
func (v Vec) At(i int) int {
	if v.Const {
		return 0
	}
	return i
}

// IsNull tells whether row i is NULL.
func (v Vec) IsNull(i int) bool { return v.Arr.IsNull(v.At(i)) }
