package op

import (
	"weir/exec/state"
	"weir/sql/types"
	"weir/sql/vec"
)

// rowTable is a state table whose values are rows of typed columns.
type rowTable struct {
	t     *state.Table
	value *vec.KeyEncoder
	keys  vec.Keys
}

// newRowTable declares a table.
func newRowTable(s *state.State, spec state.Spec, value []types.Type) *rowTable {
	spec.Value = typeNames(value)
	return &rowTable{t: s.Table(spec), value: vec.KeyOf(value...)}
}

// empty tells whether the table holds nothing: then a miss in memory is a new key.
func (t *rowTable) empty() (bool, error) {
	some := false
	err := t.t.Scan(func(uint16, []byte, []byte) error {
		some = true
		return errStop
	})
	if err == errStop {
		err = nil
	}
	return !some, err
}

// encode encodes n rows of values; row i is at(i). Valid until the next call.
func (t *rowTable) encode(cols []vec.Vec, n int) *vec.Keys {
	t.value.Encode(&t.keys, cols, n)
	return &t.keys
}

// columns decodes values.
func (t *rowTable) columns(values [][]byte) ([]vec.Vec, error) {
	cols, err := t.value.Decode(values)
	if err != nil {
		return nil, err
	}
	out := make([]vec.Vec, len(cols))
	for i, c := range cols {
		out[i] = vec.ColVec(c)
	}
	return out, nil
}

// errStop ends a scan early.
var errStop = stop{}

type stop struct{}

func (stop) Error() string { return "stop" }
