package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/vec"
)

// storedJoin collects joined rows, both of whose sides come from state.
type storedJoin struct {
	left, right *gather
	n           int
}

// add adds a joined row; nil is a side of NULLs. The bytes must stay as they are until batch.
func (s *storedJoin) add(left, right []byte) {
	s.n++
	put := func(g *gather, row []byte) {
		if row == nil {
			g.null()
		} else {
			g.kept(row)
		}
	}
	put(s.left, left)
	put(s.right, right)
}

// batch gives the collected rows and empties the collection.
func (s *storedJoin) batch(schema *arrow.Schema) (*vec.Batch, error) {
	n := s.n
	s.n = 0
	cols, err := s.left.columns(nil)
	if err != nil {
		return nil, err
	}
	right, err := s.right.columns(nil)
	if err != nil {
		return nil, err
	}
	return vec.New(schema, append(cols, right...), n, nil), nil
}
