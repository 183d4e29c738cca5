package op

import (
	"errors"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// sessionTVF gives each row its session's start, end and time. They are known when the session is
// complete, so the rows wait until then: the sessions are those of an aggregate that gathers the rows.
type sessionTVF struct {
	*sessionAgg
	node   *planner.WindowTVF
	codec  *rowCodec
	inner  types.Schema // partition columns, the row's bytes, the time
	schema *arrow.Schema
}

// newSessionTVF makes the operator of a SESSION table function.
func newSessionTVF(n *planner.WindowTVF, s *planner.Settings) (Operator, error) {
	in := n.Input.Info()
	if in.Mode != 0 && !in.Mode.AppendOnly() {
		return nil, errors.New("a SESSION table function takes rows that are only inserted")
	}
	k := len(n.Window.PartitionBy)
	inner := append(in.Out.Select(n.Window.PartitionBy), types.Column{Name: "$row", Type: types.BytesType.WithNull(false)})
	window, keys := n.Window, make([]int, k)
	for i := range keys {
		keys[i] = i
	}
	if !window.ProcTime {
		inner = append(inner, in.Out[n.Window.TimeCol])
		window.TimeCol = k + 1
	}
	gathered := types.Column{Name: "$rows", Type: types.ArrayType(inner[k].Type)}
	out := append(append(slices.Clone(inner[:k]), gathered), n.Out[len(n.Out)-3:]...)
	op, err := NewSessionAgg(&planner.WindowAgg{
		Base: &planner.Base{ID: n.ID, Out: out, Mode: types.AppendMode}, Window: window, Keys: keys,
		Input: &planner.Values{Base: &planner.Base{Out: inner, Mode: types.AppendMode}},
		Aggs:  []planner.AggCall{{Func: "ARRAY_AGG", Args: []int{k}, ArgTypes: []types.Type{inner[k].Type}, Filter: -1}},
		Props: []planner.WindowProp{planner.WindowStart, planner.WindowEnd, planner.WindowTime},
	}, s)
	if err != nil {
		return nil, err
	}
	return &sessionTVF{sessionAgg: op.(*sessionAgg), node: n, codec: newRowCodec(in.Out), inner: inner, schema: n.Out.Arrow()}, nil
}

func (t *sessionTVF) Process(port int, b *vec.Batch, out Emitter) error {
	rows := t.codec.encode(b)
	text := vec.NewBuilder(types.BytesType).(*vec.TextBuilder)
	for i := range b.Len() {
		text.Append(rows.At(i))
	}
	var cols []arrow.Array
	for _, c := range t.node.Window.PartitionBy {
		cols = append(cols, b.Col(c))
	}
	cols = append(cols, text.Array())
	if !t.node.Window.ProcTime {
		cols = append(cols, b.Col(t.node.Window.TimeCol))
	}
	return t.sessionAgg.Process(port, vec.New(t.inner.Arrow(), cols, b.Len(), nil), out)
}

func (t *sessionTVF) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	return t.sessionAgg.Watermark(wm, &sessionRows{t, out})
}

// Tick fires the sessions that the processing clock has passed.
func (t *sessionTVF) Tick(now types.Time, out Emitter) error {
	return t.sessionAgg.Tick(now, &sessionRows{t, out})
}

// sessionRows takes sessions with their rows gathered, and emits the rows.
type sessionRows struct {
	t   *sessionTVF
	out Emitter
}

func (s *sessionRows) Emit(b *vec.Batch) error {
	k := len(s.t.node.Window.PartitionBy)
	list := b.Col(k).(*array.List)
	text := vec.TextOf(vec.ColVec(list.ListValues()))
	var rows [][]byte
	var of []int32
	for i := range b.Len() {
		lo, hi := list.ValueOffsets(i)
		for j := lo; j < hi; j++ {
			rows, of = append(rows, text.Bytes(int(j))), append(of, int32(i))
		}
	}
	cols, err := s.t.codec.enc.Decode(rows)
	if err != nil {
		return err
	}
	for c := k + 1; c < int(b.Rows.NumCols()); c++ {
		cols = append(cols, vec.Take(b.Col(c), of))
	}
	return s.out.Emit(vec.New(s.t.schema, cols, len(rows), nil))
}
