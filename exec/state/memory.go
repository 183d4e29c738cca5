package state

import (
	"bytes"
	"io"
	"slices"
	"sort"
)

// Snapshotter is a Store that can be pictured. All stores of this package are.
type Snapshotter interface {
	Store
	Snapshot() (Snapshot, error)
}

// leafMax is the number of entries of a leaf; a full one is split in two.
const leafMax = 64

// leaf is a run of entries in order. A leaf that a snapshot shares is copied before it is written.
type leaf struct {
	keys   [][]byte
	vals   [][]byte
	shared bool
}

// Memory is a Store in memory: a sorted list of small sorted leaves, copied on write once a snapshot
// shares them. A snapshot copies the list of leaves, not the entries.
type Memory struct {
	leaves []*leaf
	bytes  int64
}

// NewMemory makes an empty store.
func NewMemory() *Memory { return &Memory{} }

// Bytes is the size of all keys and values.
func (m *Memory) Bytes() int64 { return m.bytes }

// find gives the leaf that holds key or would, and its place there.
func find(leaves []*leaf, key []byte) (at, i int, ok bool) {
	at = sort.Search(len(leaves), func(j int) bool {
		keys := leaves[j].keys
		return bytes.Compare(keys[len(keys)-1], key) >= 0
	})
	if at == len(leaves) {
		return at, 0, false
	}
	i, ok = slices.BinarySearchFunc(leaves[at].keys, key, bytes.Compare)
	return at, i, ok
}

// Get gives the key's value.
func (m *Memory) Get(key []byte) ([]byte, bool, error) {
	at, i, ok := find(m.leaves, key)
	if !ok {
		return nil, false, nil
	}
	return m.leaves[at].vals[i], true, nil
}

// own makes the leaf writable.
func (m *Memory) own(at int) *leaf {
	l := m.leaves[at]
	if l.shared {
		l = &leaf{
			keys: append(make([][]byte, 0, leafMax+1), l.keys...),
			vals: append(make([][]byte, 0, leafMax+1), l.vals...),
		}
		m.leaves[at] = l
	}
	return l
}

// Set sets the key's value.
func (m *Memory) Set(key, value []byte) error {
	value = bytes.Clone(value)
	at, i, ok := find(m.leaves, key)
	if ok {
		l := m.own(at)
		m.bytes += int64(len(value) - len(l.vals[i]))
		l.vals[i] = value
		return nil
	}
	m.bytes += int64(len(key) + len(value))
	switch {
	case len(m.leaves) == 0:
		m.leaves = append(m.leaves, &leaf{})
		at, i = 0, 0
	case at == len(m.leaves):
		at--
		i = len(m.leaves[at].keys)
	}
	l := m.own(at)
	l.keys = slices.Insert(l.keys, i, bytes.Clone(key))
	l.vals = slices.Insert(l.vals, i, value)
	if len(l.keys) > leafMax {
		m.split(at, i)
	}
	return nil
}

// split parts a full leaf: in the middle, or at its end when keys arrive in order.
func (m *Memory) split(at, inserted int) {
	l := m.leaves[at]
	mid := len(l.keys) / 2
	if inserted == len(l.keys)-1 {
		mid = inserted
	}
	right := &leaf{
		keys: append(make([][]byte, 0, leafMax+1), l.keys[mid:]...),
		vals: append(make([][]byte, 0, leafMax+1), l.vals[mid:]...),
	}
	clear(l.keys[mid:])
	clear(l.vals[mid:])
	l.keys, l.vals = l.keys[:mid], l.vals[:mid]
	m.leaves = slices.Insert(m.leaves, at+1, right)
}

// Delete removes the key, if it is there.
func (m *Memory) Delete(key []byte) error {
	at, i, ok := find(m.leaves, key)
	if !ok {
		return nil
	}
	l := m.own(at)
	m.bytes -= int64(len(l.keys[i]) + len(l.vals[i]))
	l.keys = slices.Delete(l.keys, i, i+1)
	l.vals = slices.Delete(l.vals, i, i+1)
	if len(l.keys) == 0 {
		m.leaves = slices.Delete(m.leaves, at, at+1)
	}
	return nil
}

// Scan visits keys in [lo, hi) in order.
func (m *Memory) Scan(lo, hi []byte, visit func(key, value []byte) error) error {
	return scanLeaves(m.leaves, lo, hi, visit)
}

func scanLeaves(leaves []*leaf, lo, hi []byte, visit func(key, value []byte) error) error {
	at, i, _ := find(leaves, lo)
	for ; at < len(leaves); at, i = at+1, 0 {
		l := leaves[at]
		for ; i < len(l.keys); i++ {
			if hi != nil && bytes.Compare(l.keys[i], hi) >= 0 {
				return nil
			}
			if err := visit(l.keys[i], l.vals[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Snapshot pictures the store. The picture may be read by another goroutine.
func (m *Memory) Snapshot() (Snapshot, error) {
	for _, l := range m.leaves {
		if !l.shared {
			l.shared = true
		}
	}
	return memorySnapshot(slices.Clone(m.leaves)), nil
}

// Close drops the content.
func (m *Memory) Close() error {
	m.leaves, m.bytes = nil, 0
	return nil
}

type memorySnapshot []*leaf

func (s memorySnapshot) Scan(lo, hi []byte, visit func(key, value []byte) error) error {
	return scanLeaves(s, lo, hi, visit)
}

func (s memorySnapshot) Files() ([]File, error) {
	return []File{{Name: SortedName, Write: func(w io.Writer) error {
		return writeSorted(w, func(visit func(key, value []byte) error) error { return s.Scan(nil, nil, visit) })
	}}}, nil
}

func (s memorySnapshot) Close() error { return nil }
