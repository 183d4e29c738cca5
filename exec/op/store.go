package op

import (
	"bytes"
	"cmp"
	"slices"

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

// find visits the values that the table has of some groups: those of the rows listed.
func (t *rowTable) find(groups *vec.Groups, gids, rows []int32, visit func(gid int32, value []byte) error) error {
	return findKeys(t.t, len(rows), func(dst []byte, i int) []byte { return groups.AppendKey(dst, gids[rows[i]]) },
		func(i int, v []byte) error { return visit(gids[rows[i]], v) })
}

// findKeys visits the values that a table has of n keys.
func findKeys(t *state.Table, n int, key func(dst []byte, i int) []byte, visit func(i int, value []byte) error) error {
	k := encodeKeys(n, key)
	return t.Find(n, func(i int) uint16 { return state.Group(vec.Hash(k.At(i))) },
		func(dst []byte, i int) []byte { return append(dst, k.At(i)...) }, visit)
}

func encodeKeys(n int, key func(dst []byte, i int) []byte) *vec.Keys {
	k := &vec.Keys{Offsets: make([]int32, 1, n+1)}
	for i := range n {
		k.Buf = key(k.Buf, i)
		k.Offsets = append(k.Offsets, int32(len(k.Buf)))
	}
	return k
}

// deleteKeys deletes keys from a table, and empties their set.
func deleteKeys(t *state.Table, gone map[string]bool) error {
	for s := range gone {
		key := []byte(s)
		if err := t.Delete(state.Group(vec.Hash(key)), key); err != nil {
			return err
		}
	}
	clear(gone)
	return nil
}

// deletePlaces deletes places, of which the key groups are given, from a table, and empties their set.
func deletePlaces(t *state.Table, gone map[string]uint16) error {
	for place, group := range gone {
		if err := t.Delete(group, []byte(place)); err != nil {
			return err
		}
	}
	clear(gone)
	return nil
}

// writeAll sets the values of groups, in order of their keys. It asks for the columns of some of them at a time.
func (t *rowTable) writeAll(groups *vec.Groups, gids []int32, columns func(gids []int32) ([]vec.Vec, error)) error {
	k, order := orderKeys(len(gids), func(dst []byte, i int) []byte { return groups.AppendKey(dst, gids[i]) })
	some := make([]int32, 0, min(len(gids), chunkRows))
	return t.t.Together(func() error {
		for len(order) > 0 {
			part := order[:min(len(order), chunkRows)]
			order, some = order[len(part):], some[:0]
			for _, p := range part {
				some = append(some, gids[p.i])
			}
			cols, err := columns(some)
			if err != nil {
				return err
			}
			values := t.encode(cols, len(some))
			for i, p := range part {
				if err := t.t.Set(p.group, k.At(int(p.i)), values.At(i)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// writeKeys calls write with n keys in the table's order; what that writes to it comes into effect together.
func writeKeys(t *state.Table, n int, key func(dst []byte, i int) []byte, write func(group uint16, key []byte, i int) error) error {
	k, order := orderKeys(n, key)
	return t.Together(func() error {
		for _, p := range order {
			if err := write(p.group, k.At(int(p.i)), int(p.i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// place is the place of a key in the order of tables.
type place struct {
	head  uint64 // of the key
	i     int32
	group uint16
}

// orderKeys puts n keys in the order of tables.
func orderKeys(n int, key func(dst []byte, i int) []byte) (*vec.Keys, []place) {
	k := encodeKeys(n, key)
	order := make([]place, n)
	for i := range order {
		order[i] = place{headOf(k.At(i)).a, int32(i), state.Group(vec.Hash(k.At(i)))}
	}
	slices.SortFunc(order, func(a, b place) int {
		if c := cmp.Compare(a.group, b.group); c != 0 {
			return c
		}
		if c := cmp.Compare(a.head, b.head); c != 0 {
			return c
		}
		return bytes.Compare(k.At(int(a.i)), k.At(int(b.i)))
	})
	return k, order
}

// errStop ends a scan early.
var errStop = stop{}

type stop struct{}

func (stop) Error() string { return "stop" }
