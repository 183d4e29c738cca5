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
	// bulk is how many key groups a file should have while much is written in order; 0: it is not. Later cuts should be among
	// these: a file that lies across one would join those above it on both sides into one merge.
	bulk atomic.Int32
}

const (
	// spanBytes is about how much of a database is between two cuts.
	spanBytes = 16 << 20
	// uncut is how large a database is whose files are not cut.
	uncut = 4 * spanBytes
	// leastFile is how large a file is at least where much is written in order.
	leastFile = 1 << 20
)

// wrote is told of the last of n bytes that were written in order: part of them, from key first to key last.
func (s *spans) wrote(n, part int64, first, last []byte) {
	if n < max(batchBytes, s.size.Load()/8) {
		return
	}
	table, from := groupOf(first)
	same, to := groupOf(last)
	if table == 0 || table != same || !bytes.Equal(first[:table], last[:table]) {
		return
	}
	groups := int32(1)
	for each := part / int64(to-from+1); groups < KeyGroups && each*int64(groups) < leastFile; groups *= 2 {
	}
	s.bulk.Store(groups)
}

// groups is how many key groups are between two cuts.
func (s *spans) groups() int {
	n, size := KeyGroups, s.size.Load()
	if size >= uncut {
		for ; n > 1 && size > spanBytes; size /= 2 {
			n /= 2
		}
	}
	if bulk := int(s.bulk.Load()); bulk > 0 {
		n = min(n, bulk)
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

// groupOf gives a key's group, and the length of what names its table; 0: it is no key of a table.
func groupOf(key []byte) (table, group int) {
	at := bytes.IndexByte(key, 0) + 1
	table = at + bytes.IndexByte(key[at:], 0) + 1
	if at == 0 || table == at || len(key) < table+2 {
		return 0, 0
	}
	return table, int(key[table])<<8 | int(key[table+1])
}

// cut gives the first cut behind a key where there is one after each n key groups of a table. nil: there is none.
func cut(key []byte, n int) []byte {
	table, group := groupOf(key)
	if table == 0 {
		return nil
	}
	if group = (group/n + 1) * n; group >= KeyGroups {
		return successor(key[:table])
	}
	return append(bytes.Clone(key[:table]), byte(group>>8), byte(group))
}
