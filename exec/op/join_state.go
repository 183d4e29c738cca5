package op

import (
	"encoding/binary"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// joinRow is what a join knows of a row that it keeps, besides its bytes. It holds no pointer: there are millions.
type joinRow struct {
	seq        int64
	gid        int32
	next, prev int32 // in its joinList; none at the ends
	count      int32 // how often it is there; 0: taken away
	matches    int32 // rows of the other input that it joins
	dirty      bool
	saved      bool // the store has it, maybe not as it is
}

// none is no row.
const none = int32(-1)

// joinSide is what a join keeps of one input: by join key, rows in order of arrival. A row is known by
// its unique columns, or else by all its bytes.
type joinSide struct {
	codec   *rowCodec
	keys    []int
	unique  []int
	idEnc   *vec.KeyEncoder
	ids     vec.Keys
	store   rowStore       // of each row its bytes; before them, where it has unique columns, the length of its id and that
	rows    pages[joinRow] // by the numbers of store
	stamps  pages[int64]   // when a row was last written, where rows expire
	lists   []joinList
	left    map[int32][]int64          // by key: seq of rows that were taken away, but not yet from the store
	index   map[int32]map[string]int32 // of the keys that have many rows: by id
	table   *state.Table
	partial bool // the store may have rows of keys that are not in memory
	stored  *sweeper
	ttl     time.Duration
	changed []int32 // keys that have something to write
	unkept  bool
	// appends: rows are only inserted and kept for ever, so none need be found again; equal rows are kept
	// apart, and known by their arrival.
	appends bool
	seq     int64
	arrival *savedCount // seq, as stored
	head    []byte      // scratch
}

// joinList is the rows of one join key, which they link. Rows that are not loaded are older than those that are there.
type joinList struct {
	first, last int32
	n           int32
	entries     int32 // in the store; known where it is loaded
	loaded      bool
	changed     bool
}

func newJoinSide(in *planner.Base, keys []int, k planner.StateKey, ttl time.Duration) *joinSide {
	j := &joinSide{codec: newRowCodec(in.Out), keys: keys, unique: k.Unique, ttl: ttl, index: map[int32]map[string]int32{}, left: map[int32][]int64{}}
	j.appends = in.Mode == types.AppendMode && k.Unique == nil && ttl == 0
	if k.Unique != nil {
		j.idEnc = vec.KeyOf(columnTypes(in.Out, k.Unique)...)
	}
	return j
}

func (s *joinSide) open(ctx *Context, name string, keys []types.Type) error {
	s.table = ctx.State.Table(state.Spec{Name: name, Key: typeNames(keys), Value: []string{"BYTES"}, Version: 1, TTL: s.ttl})
	empty, err := (&rowTable{t: s.table}).empty()
	if err != nil {
		return err
	}
	s.partial, s.unkept = !empty, ctx.Unkept
	s.arrival, err = openSavedCount(ctx, name+"-arrivals")
	s.seq = s.arrival.n
	return err
}

func (s *joinSide) grow(n int) {
	for len(s.lists) < n {
		s.lists = append(s.lists, joinList{first: none, last: none})
	}
}

// begin makes the list of a key that is new in memory.
func (s *joinSide) begin(gid int32) {
	s.lists[gid] = joinList{first: none, last: none, loaded: !s.partial}
}

// bytes is the memory held, the ids in index left out.
func (s *joinSide) bytes() int64 {
	return s.store.bytes() + int64(s.rows.n)*32 + int64(s.stamps.n)*8 + int64(cap(s.lists))*24 + int64(cap(s.changed))*4
}

// encode gives the bytes and the identity of each row.
func (s *joinSide) encode(b *vec.Batch) (rows, ids *vec.Keys) {
	rows = s.codec.encode(b)
	if s.idEnc == nil {
		return rows, rows
	}
	s.idEnc.Encode(&s.ids, columnVecs(b, s.unique), b.Len())
	return rows, &s.ids
}

// row gives the bytes of a row.
func (s *joinSide) row(n int32) []byte {
	v := s.store.get(n)
	if s.unique != nil {
		v = v[4+binary.BigEndian.Uint32(v):]
	}
	return v
}

// id gives the identity of a row, where it is not its arrival.
func (s *joinSide) id(n int32) []byte {
	v := s.store.get(n)
	if s.unique != nil {
		v = v[4 : 4+binary.BigEndian.Uint32(v)]
	}
	return v
}

// parts is how store keeps a row.
func (s *joinSide) parts(id, row []byte) (a, b []byte) {
	if s.unique == nil {
		return row, nil
	}
	s.head = append(binary.BigEndian.AppendUint32(s.head[:0], uint32(len(id))), id...)
	return s.head, row
}

// gone tells whether a row has expired.
func (s *joinSide) gone(n int32, now int64) bool {
	return s.ttl > 0 && expired(*s.stamps.at(n), s.ttl, now)
}

// idle tells whether memory knows nothing of a key that the store does not.
func (s *joinSide) idle(gid int32) bool { return s.lists[gid].n == 0 && !s.lists[gid].changed }

const manyRows = 16

// find gives the row of a key that has the id, or none.
func (s *joinSide) find(gid int32, id []byte) int32 {
	if index := s.index[gid]; index != nil {
		if n, ok := index[string(id)]; ok {
			return n
		}
		return none
	}
	n := s.lists[gid].first
	for n != none && string(s.id(n)) != string(id) {
		n = s.rows.at(n).next
	}
	return n
}

// add takes a row in. One of the same unique columns is replaced.
func (s *joinSide) add(gid int32, id, row []byte, matches int32, now int64) {
	n := none
	if !s.appends {
		n = s.find(gid, id)
	}
	if n == none {
		s.seq++
		n = s.keep(joinRow{seq: s.seq, gid: gid, count: 1}, now, id, row)
		s.link(n)
	} else {
		r := s.rows.at(n)
		switch {
		case s.unique != nil:
			a, b := s.parts(id, row)
			s.store.replace(n, a, b)
		case s.gone(n, now):
			r.count = 1
		default:
			r.count++
		}
	}
	s.rows.at(n).matches = matches
	s.touch(n, now)
	s.mark(n)
}

// keep takes the bytes of a new row in.
func (s *joinSide) keep(r joinRow, stamp int64, id, row []byte) int32 {
	n := s.store.put(s.parts(id, row))
	s.rows.grow(int(n) + 1)
	*s.rows.at(n) = r
	s.touch(n, stamp)
	return n
}

// touch notes when a row was written.
func (s *joinSide) touch(n int32, stamp int64) {
	if s.ttl > 0 {
		s.stamps.grow(int(n) + 1)
		*s.stamps.at(n) = stamp
	}
}

// link appends a row to the list of its key.
func (s *joinSide) link(n int32) {
	r := s.rows.at(n)
	l := &s.lists[r.gid]
	r.prev, r.next = l.last, none
	if l.last == none {
		l.first = n
	} else {
		s.rows.at(l.last).next = n
	}
	l.last = n
	l.n++
	switch index := s.index[r.gid]; {
	case s.appends:
	case index != nil:
		index[string(s.id(n))] = n
	case l.n > manyRows:
		index = map[string]int32{}
		for at := l.first; at != none; at = s.rows.at(at).next {
			index[string(s.id(at))] = at
		}
		s.index[r.gid] = index
	}
}

// unlink takes a row out of the list of its key.
func (s *joinSide) unlink(n int32) {
	r := s.rows.at(n)
	l := &s.lists[r.gid]
	if r.prev == none {
		l.first = r.next
	} else {
		s.rows.at(r.prev).next = r.next
	}
	if r.next == none {
		l.last = r.prev
	} else {
		s.rows.at(r.next).prev = r.prev
	}
	l.n--
	if index := s.index[r.gid]; index != nil {
		delete(index, string(s.id(n)))
		if l.n == 0 {
			delete(s.index, r.gid)
		}
	}
}

// mark has a row written by the next snapshot, if that writes it.
func (s *joinSide) mark(n int32) {
	if r := s.rows.at(n); !r.dirty && (r.saved || !s.unkept) {
		r.dirty = true
		s.change(r.gid)
	}
}

func (s *joinSide) change(gid int32) {
	if l := &s.lists[gid]; !l.changed {
		l.changed = true
		s.changed = append(s.changed, gid)
	}
}

// match changes the number of matches of a row.
func (s *joinSide) match(n, by int32) {
	r := s.rows.at(n)
	r.matches = max(r.matches+by, 0)
	s.mark(n)
}

// remove takes a row away; one that is not there is ignored.
func (s *joinSide) remove(gid int32, id []byte) {
	n := s.find(gid, id)
	if n == none {
		return
	}
	if r := s.rows.at(n); r.count > 1 {
		r.count--
		s.mark(n)
		return
	}
	s.takeOut(n)
}

// takeOut takes a row away.
func (s *joinSide) takeOut(n int32) {
	s.unlink(n)
	if r := s.rows.at(n); r.saved {
		s.left[r.gid] = append(s.left[r.gid], r.seq)
		s.change(r.gid)
	}
	s.store.drop(n)
}

// sweep takes the rows away that have expired.
func (s *joinSide) sweep(keys *vec.Groups, now int64) {
	if s.ttl == 0 {
		return
	}
	for _, gid := range keys.All(nil) {
		for n := s.lists[gid].first; n != none; {
			next := s.rows.at(n).next
			if s.gone(n, now) {
				s.takeOut(n)
			}
			n = next
		}
	}
}
