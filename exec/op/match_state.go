package op

import (
	"encoding/binary"
	"errors"
)

// A partition is stored as its rows, the nodes of its paths, and its matches, each by its place in the
// list before: paths share beginnings, and do so again when they are back.

// Snapshot stores the partitions that changed.
func (m *matcher) Snapshot() error {
	if err := m.wm.save(m.ctx); err != nil {
		return err
	}
	if err := m.buf.snapshot(); err != nil {
		return err
	}
	for gid := range m.dirty {
		if m.part[gid] != nil {
			m.state.set(gid, encodePart(m.part[gid]))
		}
	}
	if err := m.state.snapshot(); err != nil {
		return err
	}
	for gid := range m.dirty { // the matches themselves stay in memory
		if m.state.get(gid) != nil {
			m.state.hold(gid, held)
		}
	}
	clear(m.dirty)
	return nil
}

type partWriter struct {
	rows  map[*matchRow]int
	nodes map[*matchNode]int
	row   []byte
	node  []byte
}

func encodePart(p *matchPart) []byte {
	w := &partWriter{rows: map[*matchRow]int{}, nodes: map[*matchNode]int{}}
	var tail []byte
	for _, list := range []partials{p.open, p.done} {
		tail = binary.AppendUvarint(tail, uint64(len(list)))
		for _, x := range list {
			tail = binary.AppendUvarint(tail, uint64(x.state))
			tail = binary.AppendUvarint(tail, uint64(w.path(x.last)))
			tail = binary.AppendUvarint(tail, uint64(len(x.accs)))
			for _, acc := range x.accs {
				tail = appendBytes(tail, acc)
			}
		}
	}
	out := binary.AppendUvarint(nil, uint64(len(w.rows)))
	out = append(out, w.row...)
	out = binary.AppendUvarint(out, uint64(len(w.nodes)))
	return append(append(out, w.node...), tail...)
}

// appendBytes appends bytes behind their length; nil is told from none.
func appendBytes(dst, v []byte) []byte {
	if v == nil {
		return binary.AppendUvarint(dst, 0)
	}
	return append(binary.AppendUvarint(dst, uint64(len(v))+1), v...)
}

// path gives the number of a node, from 1; 0 is no node.
func (w *partWriter) path(x *matchNode) int {
	var fresh []*matchNode
	for ; x != nil && w.nodes[x] == 0; x = x.prev {
		fresh = append(fresh, x)
	}
	at := w.nodes[x]
	for i := len(fresh) - 1; i >= 0; i-- {
		y := fresh[i]
		w.node = binary.AppendUvarint(w.node, uint64(at))
		w.node = binary.AppendUvarint(w.node, uint64(w.rowOf(y.row)))
		w.node = binary.AppendUvarint(w.node, uint64(y.v))
		at = len(w.nodes) + 1
		w.nodes[y] = at
	}
	return at
}

func (w *partWriter) rowOf(r *matchRow) int {
	if at, ok := w.rows[r]; ok {
		return at
	}
	w.row = binary.AppendVarint(w.row, r.seq)
	w.row = binary.AppendVarint(w.row, r.time)
	w.row = binary.AppendUvarint(w.row, uint64(len(r.vals)))
	for _, v := range r.vals {
		w.row = appendBytes(w.row, v)
	}
	w.rows[r] = len(w.rows)
	return len(w.rows) - 1
}

// partReader reads what partWriter wrote; the first damage ends it.
type partReader struct {
	v   []byte
	err error
}

var errMatchState = errors.New("the state of a MATCH_RECOGNIZE is damaged")

func (r *partReader) num() int {
	x, n := binary.Uvarint(r.v)
	if n <= 0 || x > 1<<40 {
		r.err = errMatchState
		return 0
	}
	r.v = r.v[n:]
	return int(x)
}

func (r *partReader) signed() int64 {
	x, n := binary.Varint(r.v)
	if n <= 0 {
		r.err = errMatchState
		return 0
	}
	r.v = r.v[n:]
	return x
}

func (r *partReader) bytes() []byte {
	n := r.num() - 1
	if n < 0 {
		return nil
	}
	if n > len(r.v) {
		r.err = errMatchState
		return nil
	}
	out := append([]byte{}, r.v[:n]...)
	r.v = r.v[n:]
	return out
}

// list reads a length and calls one for each, as long as nothing is damaged.
func (r *partReader) list(one func()) {
	for n := r.num(); n > 0 && r.err == nil; n-- {
		one()
	}
}

// restore takes a partition back from the store.
func (m *matcher) restore(gid int32, v []byte) error {
	r := &partReader{v: v}
	var rows []*matchRow
	r.list(func() {
		row := &matchRow{seq: r.signed(), time: r.signed()}
		r.list(func() { row.vals = append(row.vals, r.bytes()) })
		rows = append(rows, row)
		m.seq = max(m.seq, row.seq+1)
	})
	nodes := []*matchNode{nil}
	r.list(func() {
		prev, row, v := r.num(), r.num(), r.num()
		if prev >= len(nodes) || row >= len(rows) {
			r.err = errMatchState
			return
		}
		nodes = append(nodes, nodes[prev].grow(rows[row], v))
	})
	p := &matchPart{}
	for _, to := range []*partials{&p.open, &p.done} {
		r.list(func() {
			x := &partial{state: r.num()}
			last := r.num()
			r.list(func() { x.accs = append(x.accs, r.bytes()) })
			if last >= len(nodes) || x.state >= len(m.auto.states) {
				r.err = errMatchState
				return
			}
			if x.last = nodes[last]; x.last != nil {
				x.start = x.last.firstOf(-1, 0).row
			}
			*to = append(*to, x)
		})
	}
	if r.err != nil || len(r.v) > 0 || len(p.open) == 0 {
		return errMatchState
	}
	m.under += p.count()
	m.part[gid] = p
	m.watch(gid)
	m.state.hold(gid, held)
	return nil
}
