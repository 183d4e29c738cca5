package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// toChangelog writes the kind of each change into a column.
type toChangelog struct {
	Base
	schema *arrow.Schema
	codes  map[types.RowKind]string
}

// NewToChangelog makes the operator of a ToChangelog.
func NewToChangelog(n *planner.ToChangelog, _ *planner.Settings) (Operator, error) {
	return &toChangelog{schema: n.Out.Arrow(), codes: n.Codes}, nil
}

// Process gives changes as new rows.
func (o *toChangelog) Process(_ int, b *vec.Batch, out Emitter) error {
	var rows []int32
	ops := vec.NewBuilder(types.StringType).(*vec.TextBuilder)
	for i := range b.Len() {
		if code, ok := o.codes[b.Kind(i)]; ok {
			rows = append(rows, int32(i))
			ops.Append([]byte(code))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	cols := append([]arrow.Array{ops.Array()}, vec.TakeBatch(b, rows).Rows.Columns()...)
	return out.Emit(vec.New(o.schema, cols, len(rows), nil))
}

// fromChangelog reads the kind of each change from a column.
type fromChangelog struct {
	Base
	ctx    *Context
	schema *arrow.Schema
	op     int
	name   string
	codes  map[string]types.RowKind
	known  string // for messages
}

// NewFromChangelog makes the operator of a FromChangelog.
func NewFromChangelog(n *planner.FromChangelog, _ *planner.Settings) (Operator, error) {
	o := &fromChangelog{schema: n.Out.Arrow(), op: n.Op, name: n.Input.Info().Out[n.Op].Name, codes: n.Codes}
	var codes []string
	for code := range n.Codes {
		codes = append(codes, fmt.Sprintf("%q", code))
	}
	slices.Sort(codes)
	o.known = strings.Join(codes, ", ")
	return o, nil
}

func (o *fromChangelog) Open(ctx *Context) error {
	o.ctx = ctx
	return nil
}

// Process gives rows their kinds. One whose code means nothing is bad.
func (o *fromChangelog) Process(_ int, b *vec.Batch, out Emitter) error {
	rows, kinds := make([]int32, 0, b.Len()), make([]types.RowKind, 0, b.Len())
	codes := vec.TextOf(vec.ColVec(b.Col(o.op)))
	for i := range b.Len() {
		if !codes.Null(i) {
			if k, ok := o.codes[codes.String(i)]; ok {
				rows, kinds = append(rows, int32(i)), append(kinds, k)
				continue
			}
		}
		if err := o.bad(b, i, &codes); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	cols := slices.Clone(vec.TakeBatch(b, rows).Rows.Columns())
	return out.Emit(vec.New(o.schema, slices.Delete(cols, o.op, o.op+1), len(rows), insertsAreNil(kinds)))
}

func (o *fromChangelog) bad(b *vec.Batch, i int, codes *vec.Text) error {
	code := "NULL"
	if !codes.Null(i) {
		code = fmt.Sprintf("%q", codes.Bytes(i))
	}
	err := fmt.Errorf("column %q is %s, which is no kind of change: op_mapping of FROM_CHANGELOG knows %s", o.name, code, o.known)
	if o.ctx.Reject == nil {
		return err
	}
	return o.ctx.Reject(b, i, err)
}
