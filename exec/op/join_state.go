package op

import (
	"encoding/binary"
	"slices"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// joinRow is a row that a join keeps.
type joinRow struct {
	id, row []byte
	count   int32 // how often it is there; 0: taken away
	matches int32 // rows of the other input that it joins
	stamp   int64
	seq     int64
	dirty   bool
	saved   bool
}

// joinSide is what a join keeps of one input: by join key, rows in order of arrival. A row is known by
// its unique columns, or else by all its bytes.
type joinSide struct {
	codec   *rowCodec
	keys    []int
	unique  []int
	idEnc   *vec.KeyEncoder
	ids     vec.Keys
	lists   []*joinList
	table   *state.Table
	partial bool
	ttl     time.Duration
	changed []*joinRow
	at      map[*joinRow]int32 // the key of each changed row
	seq     int64
	bytes   int64
}

// joinList is the rows of one join key.
type joinList struct {
	rows  []*joinRow
	dead  int
	index map[string]*joinRow // by id, once there are many
}

func newJoinSide(s types.Schema, keys []int, k planner.StateKey) *joinSide {
	j := &joinSide{codec: newRowCodec(s), keys: keys, unique: k.Unique, at: map[*joinRow]int32{}}
	if k.Unique != nil {
		j.idEnc = vec.KeyOf(columnTypes(s, k.Unique)...)
	}
	return j
}

func (s *joinSide) open(ctx *Context, name string, keys []types.Type, ttl time.Duration) error {
	s.ttl = ttl
	s.table = ctx.State.Table(state.Spec{Name: name, Key: append(typeNames(keys), "BYTES"), Value: []string{"BYTES"}, TTL: ttl})
	empty, err := (&rowTable{t: s.table}).empty()
	s.partial = !empty
	return err
}

func (s *joinSide) grow(n int) {
	for len(s.lists) < n {
		s.lists = append(s.lists, nil)
	}
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

// rows lists the rows of a key, those taken away among them.
func (s *joinSide) rows(gid int32) []*joinRow {
	if l := s.lists[gid]; l != nil {
		return l.rows
	}
	return nil
}

// gone tells whether a row was taken away, or has expired.
func (s *joinSide) gone(r *joinRow, now int64) bool {
	return r.count == 0 || expired(r.stamp, s.ttl, now)
}

// idle tells whether a key has no rows, and the store knows.
func (s *joinSide) idle(gid int32) bool { return s.lists[gid] == nil }

const manyRows = 16

func (l *joinList) find(id []byte) *joinRow {
	if l.index != nil {
		return l.index[string(id)]
	}
	for _, r := range l.rows {
		if r.count > 0 && string(r.id) == string(id) {
			return r
		}
	}
	return nil
}

func (l *joinList) append(r *joinRow) {
	l.rows = append(l.rows, r)
	switch {
	case l.index != nil:
		l.index[string(r.id)] = r
	case len(l.rows) > manyRows:
		l.index = map[string]*joinRow{}
		for _, r := range l.rows {
			if r.count > 0 {
				l.index[string(r.id)] = r
			}
		}
	}
}

// drop forgets a row that was taken away.
func (l *joinList) drop(r *joinRow) {
	if l.index != nil {
		delete(l.index, string(r.id))
	}
	if l.dead++; 2*l.dead > len(l.rows) {
		l.rows = slices.DeleteFunc(l.rows, func(r *joinRow) bool { return r.count == 0 })
		l.dead = 0
	}
}

// add takes a row in. One of the same unique columns is replaced.
func (s *joinSide) add(gid int32, id, row []byte, matches int32, now int64) {
	l := s.lists[gid]
	if l == nil {
		l = &joinList{}
		s.lists[gid] = l
	}
	r := l.find(id)
	switch {
	case r == nil:
		s.seq++
		r = &joinRow{id: slices.Clone(id), count: 1, seq: s.seq}
		r.row = r.id
		if s.unique != nil {
			r.row = slices.Clone(row)
		}
		s.bytes += int64(len(r.row)) + 120
		l.append(r)
	case s.unique != nil:
		r.row = slices.Clone(row)
	case s.gone(r, now):
		r.count = 1
	default:
		r.count++
	}
	r.matches, r.stamp = matches, now
	s.mark(gid, r)
}

func (s *joinSide) mark(gid int32, r *joinRow) {
	if !r.dirty {
		r.dirty = true
		s.changed = append(s.changed, r)
		s.at[r] = gid
	}
}

// match changes the number of matches of a row.
func (s *joinSide) match(gid int32, r *joinRow, by int32) {
	r.matches = max(r.matches+by, 0)
	s.mark(gid, r)
}

// remove takes a row away; one that is not there is ignored.
func (s *joinSide) remove(gid int32, id []byte) {
	l := s.lists[gid]
	if l == nil {
		return
	}
	r := l.find(id)
	if r == nil {
		return
	}
	if r.count--; r.count > 0 {
		s.mark(gid, r)
		return
	}
	s.mark(gid, r)
	s.bytes -= int64(len(r.row)) + 120
	if l.drop(r); len(l.rows) == 0 {
		l.index = nil
	}
}

// place is a row's place in the store: the join key, then what tells it from others.
func place(keys *vec.Groups, gid int32, r *joinRow) (uint16, []byte) {
	key := keys.AppendKey(nil, gid)
	group := state.Group(vec.Hash(key))
	return group, append(key, r.id...)
}

// sweep takes the rows away that have expired.
func (s *joinSide) sweep(keys *vec.Groups, now int64) {
	if s.ttl == 0 {
		return
	}
	for _, gid := range keys.All(nil) {
		for _, r := range slices.Clone(s.rows(gid)) {
			if r.count > 0 && expired(r.stamp, s.ttl, now) {
				r.count = 1
				s.remove(gid, r.id)
			}
		}
	}
}

// snapshot writes the rows that changed.
func (s *joinSide) snapshot(keys *vec.Groups) error {
	for _, r := range s.changed {
		gid := s.at[r]
		group, key := place(keys, gid, r)
		r.dirty = false
		var err error
		switch {
		case r.count > 0:
			r.saved = true
			err = s.table.Set(group, key, r.value())
		case r.saved && s.find(gid, r.id) == nil:
			err = s.table.Delete(group, key)
		}
		if err != nil {
			return err
		}
	}
	for _, gid := range s.at {
		if l := s.lists[gid]; l != nil && len(l.rows) == l.dead {
			s.lists[gid] = nil
		}
	}
	s.changed = s.changed[:0]
	clear(s.at)
	return nil
}

func (s *joinSide) find(gid int32, id []byte) *joinRow {
	if l := s.lists[gid]; l != nil {
		return l.find(id)
	}
	return nil
}

// value is what the store keeps of a row.
func (r *joinRow) value() []byte {
	v := binary.BigEndian.AppendUint64(nil, uint64(r.stamp))
	v = binary.BigEndian.AppendUint64(v, uint64(r.seq))
	v = binary.BigEndian.AppendUint32(v, uint32(r.count))
	v = binary.BigEndian.AppendUint32(v, uint32(r.matches))
	return append(v, r.row...)
}

// load reads the rows of a key that is new in memory.
func (s *joinSide) load(keys *vec.Groups, gid int32) error {
	s.lists[gid] = nil
	if !s.partial {
		return nil
	}
	prefix := keys.AppendKey(nil, gid)
	l := &joinList{}
	err := s.table.ScanGroup(state.Group(vec.Hash(prefix)), prefix, func(k, v []byte) error {
		r := &joinRow{
			id: slices.Clone(k[len(prefix):]), row: slices.Clone(v[24:]), saved: true,
			stamp: int64(binary.BigEndian.Uint64(v)), seq: int64(binary.BigEndian.Uint64(v[8:])),
			count: int32(binary.BigEndian.Uint32(v[16:])), matches: int32(binary.BigEndian.Uint32(v[20:])),
		}
		s.seq = max(s.seq, r.seq)
		s.bytes += int64(len(r.row)) + 120
		l.append(r)
		return nil
	})
	if len(l.rows) > 0 {
		slices.SortStableFunc(l.rows, func(a, b *joinRow) int { return cmpInt(a.seq, b.seq) })
		s.lists[gid] = l
	}
	return err
}
