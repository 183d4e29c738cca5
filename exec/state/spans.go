package state

import (
	"bytes"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// spans cut the files of a database at key groups that never move, so that a file overlaps few others and a merge
// rewrites a small part of the database: what it rewrites is new to the next checkpoint. The larger the database, the more
// cuts; fewer cuts are some of those of more.
type spans struct {
	size atomic.Int64 // of the database, about
	// bulk: much is written in order, so that it has many cuts already. A file that lies across a cut would join those above
	// it on both sides into one merge.
	bulk atomic.Bool
}

const (
	// spanBytes is about how much of a database is between two cuts.
	spanBytes = 16 << 20
	// uncut is how large a database is whose files are not cut.
	uncut = 4 * spanBytes
)

// wrote is told how much was written in order so far.
func (s *spans) wrote(n int64) {
	if n >= max(batchBytes, s.size.Load()/8) {
		s.bulk.Store(true)
	}
}

// groups is how many key groups are between two cuts.
func (s *spans) groups() int {
	if s.bulk.Load() {
		return 1
	}
	n, size := KeyGroups, s.size.Load()
	if size < uncut {
		return n
	}
	for ; n > 1 && size > spanBytes; size /= 2 {
		n /= 2
	}
	return n
}

// policy implements pebble.SpanPolicyFunc: it gives the cut that comes next.
func (s *spans) policy(key []byte) (p pebble.SpanPolicy, next []byte, err error) {
	if n := s.groups(); n < KeyGroups {
		next = cut(key, n)
	}
	return p, next, nil
}

// cut gives the first cut behind a key where there is one after each n key groups of a table. nil: there is none.
func cut(key []byte, n int) []byte {
	at := bytes.IndexByte(key, 0) + 1
	table := at + bytes.IndexByte(key[at:], 0) + 1
	if at == 0 || table == at || len(key) < table+2 {
		return nil
	}
	group := int(key[table])<<8 | int(key[table+1])
	if group = (group/n + 1) * n; group >= KeyGroups {
		return successor(key[:table])
	}
	return append(bytes.Clone(key[:table]), byte(group>>8), byte(group))
}
