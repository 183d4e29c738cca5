package op

import "encoding/binary"

// rowStore keeps rows as bytes, known by small numbers that are dense and given out again. The bytes lie side by
// side in slabs: a row is no object of its own, so millions of them cost the garbage collector nothing.
//
// Nothing in a slab is ever overwritten: what get gives stays good after the row is dropped or moved. A slab without
// rows is given up. Where less than two thirds of all slabs are in use, the rows of slabs with gaps move to others, a few
// slabs at a time: so the store holds at most about half as much again as its rows take, rows that go in the order in
// which they came are never moved, and otherwise a byte given up costs the copying of two.
type rowStore struct {
	places pages[rowPlace]
	unused []int32 // numbers to give out again
	slabs  []rowSlab
	gaps   []int32 // slabs that were given up
	open   int32   // the slab that rows go to
	looked int     // the slab that compact looked at last
	held   int64   // bytes of the slabs
	used   int64   // of them written
	live   int64   // of those in use
}

// rowPlace is the slab of a row, and where in it the row's block starts: its number and length, 4 bytes each, then
// its bytes.
type rowPlace struct{ slab, at int32 }

type rowSlab struct {
	data []byte
	live int // bytes of data in use
}

const (
	slabSize  = 256 << 10
	blockHead = 8
)

var nowhere = rowPlace{slab: -1}

// put takes a copy of a row in, given in two parts, and numbers it.
func (s *rowStore) put(a, b []byte) int32 {
	var n int32
	if last := len(s.unused) - 1; last >= 0 {
		n, s.unused = s.unused[last], s.unused[:last]
	} else {
		n = s.places.add()
	}
	s.write(n, a, b)
	s.compact()
	return n
}

// get gives the bytes of a row.
func (s *rowStore) get(n int32) []byte {
	p := *s.places.at(n)
	block := s.slabs[p.slab].data[p.at:]
	end := blockHead + int(binary.LittleEndian.Uint32(block[4:]))
	return block[blockHead:end:end]
}

// drop forgets a row; its number may be given out again.
func (s *rowStore) drop(n int32) {
	s.vacate(n)
	*s.places.at(n) = nowhere
	s.unused = append(s.unused, n)
	s.compact()
}

// replace gives a row other bytes.
func (s *rowStore) replace(n int32, a, b []byte) {
	s.vacate(n)
	s.write(n, a, b)
	s.compact()
}

// bytes is the memory held.
func (s *rowStore) bytes() int64 { return s.held + int64(s.places.n)*8 + int64(cap(s.unused))*4 }

func (s *rowStore) write(n int32, a, b []byte) {
	i := s.room(blockHead + len(a) + len(b))
	slab := &s.slabs[i]
	*s.places.at(n) = rowPlace{i, int32(len(slab.data))}
	d := binary.LittleEndian.AppendUint32(slab.data, uint32(n))
	d = binary.LittleEndian.AppendUint32(d, uint32(len(a)+len(b)))
	slab.data = append(append(d, a...), b...)
	slab.live += blockHead + len(a) + len(b)
	s.used += int64(blockHead + len(a) + len(b))
	s.live += int64(blockHead + len(a) + len(b))
}

// room gives a slab with room for size bytes. A large row has its own, so that little of the others stays unused at
// their ends; the first ones are small, for many stores hold little.
func (s *rowStore) room(size int) int32 {
	if size > slabSize/8 {
		return s.newSlab(size)
	}
	if len(s.slabs) > 0 && len(s.slabs[s.open].data)+size <= cap(s.slabs[s.open].data) {
		return s.open
	}
	s.open = s.newSlab(max(size, min(slabSize, max(slabSize/64, int(s.held)))))
	return s.open
}

func (s *rowStore) newSlab(size int) int32 {
	s.held += int64(size)
	slab := rowSlab{data: make([]byte, 0, size)}
	if last := len(s.gaps) - 1; last >= 0 {
		i := s.gaps[last]
		s.gaps = s.gaps[:last]
		s.slabs[i] = slab
		return i
	}
	s.slabs = append(s.slabs, slab)
	return int32(len(s.slabs) - 1)
}

// vacate gives the bytes of a row up.
func (s *rowStore) vacate(n int32) {
	i, size := s.places.at(n).slab, blockHead+len(s.get(n))
	s.slabs[i].live -= size
	s.live -= int64(size)
	if s.slabs[i].live == 0 && i != s.open {
		s.giveUp(i)
	}
}

func (s *rowStore) giveUp(i int32) {
	s.held -= int64(cap(s.slabs[i].data))
	s.used -= int64(len(s.slabs[i].data))
	s.slabs[i] = rowSlab{}
	s.gaps = append(s.gaps, i)
}

// compact moves rows together, where too little is in use.
func (s *rowStore) compact() {
	for range 4 {
		if 3*s.live >= 2*s.used || len(s.slabs) == 1 {
			return
		}
		s.looked = (s.looked + 1) % len(s.slabs)
		if i := int32(s.looked); i != s.open && 6*s.slabs[i].live < 5*len(s.slabs[i].data) {
			s.move(i)
		}
	}
}

// move moves the rows of a slab, and gives it up.
func (s *rowStore) move(i int32) {
	data := s.slabs[i].data
	for at := 0; at < len(data); {
		n := int32(binary.LittleEndian.Uint32(data[at:]))
		end := at + blockHead + int(binary.LittleEndian.Uint32(data[at+4:]))
		if *s.places.at(n) == (rowPlace{i, int32(at)}) {
			s.write(n, data[at+blockHead:end], nil)
		}
		at = end
	}
	s.live -= int64(s.slabs[i].live)
	s.giveUp(i)
}

// pages is a list that grows without moving what is in it.
type pages[T any] struct {
	list [][]T
	n    int
}

const pageBits = 10

// at gives the place of element i, which stays where it is.
func (p *pages[T]) at(i int32) *T { return &p.list[i>>pageBits][i&(1<<pageBits-1)] }

// add appends a zero element and gives its index.
func (p *pages[T]) add() int32 {
	p.grow(p.n + 1)
	return int32(p.n - 1)
}

// grow appends zero elements until there are n.
func (p *pages[T]) grow(n int) {
	for len(p.list)<<pageBits < n {
		p.list = append(p.list, make([]T, 1<<pageBits))
	}
	p.n = max(p.n, n)
}
