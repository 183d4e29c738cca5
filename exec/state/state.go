// Package state holds the keyed state of operators: tables over one ordered store a task, in memory
// or in Pebble.
//
// Contract: the state of a task belongs to its goroutine. A key is operator id | table | key group
// (2 bytes, of 128) | encoded key, so that a snapshot restores at another parallelism by copying
// ranges of key groups. Values are bytes: state never points into a batch, and what Get and Scan give
// is valid until the next call. An operator declares its tables in Open.
package state

import (
	"bytes"
	"slices"
	"time"
)

// KeyGroups is the number of key groups; fixed, since keys carry it.
const KeyGroups = 128

// Writer writes to a store.
type Writer interface {
	Set(key, value []byte) error
	Delete(key []byte) error
	// Append adds to the end of the key's value, which need not be there. It reads nothing.
	Append(key, value []byte) error
}

// Store is an ordered key-value store. Keys compare bytewise.
type Store interface {
	Writer
	// Get gives the value, or ok false; valid until the next call.
	Get(key []byte) (value []byte, ok bool, err error)
	// Find visits the values of those keys that are there. Keys come in order, each once. visit may not write.
	Find(keys [][]byte, visit func(i int, value []byte) error) error
	// Scan visits keys in [lo, hi) in order (hi nil: to the end). visit may not write.
	Scan(lo, hi []byte, visit func(key, value []byte) error) error
	// Together makes the writes of f at once, when f returns. It is fastest where keys come in order. f may not read.
	Together(f func(Writer) error) error
	Close() error
}

// Spec declares a table. The manifest keeps it, so that a restore can be checked and state inspected.
type Spec struct {
	Name    string
	Key     []string // the types of the key columns, as SQL
	Value   []string // the types of the value columns
	Version int
	TTL     time.Duration
}

// State is the tables of one operator instance.
type State struct {
	store  Store
	prefix []byte
	specs  []Spec
}

// New makes the state of the operator over the task's store.
func New(store Store, operator string) *State {
	return &State{store: store, prefix: append([]byte(operator), 0)}
}

// Specs lists the tables declared so far.
func (s *State) Specs() []Spec { return s.specs }

// Table declares a table and opens it. Names are unique within an operator.
func (s *State) Table(spec Spec) *Table {
	s.specs = append(s.specs, spec)
	p := append(append([]byte(nil), s.prefix...), spec.Name...)
	return &Table{store: s.store, to: s.store, prefix: append(p, 0)}
}

// Table is one table of an operator's state.
type Table struct {
	store  Store
	to     Writer
	prefix []byte
	buf    []byte
}

// Group is the key group of a key's hash (vec's fixed row-key hash).
func Group(hash uint64) uint16 { return uint16(hash % KeyGroups) }

func (t *Table) key(group uint16, key []byte) []byte {
	t.buf = append(append(t.buf[:0], t.prefix...), byte(group>>8), byte(group))
	t.buf = append(t.buf, key...)
	return t.buf
}

// Get gives a key's value.
func (t *Table) Get(group uint16, key []byte) ([]byte, bool, error) {
	return t.store.Get(t.key(group, key))
}

// Set sets a key's value.
func (t *Table) Set(group uint16, key, value []byte) error {
	return t.to.Set(t.key(group, key), value)
}

// Append adds to the end of a key's value, which need not be there.
func (t *Table) Append(group uint16, key, value []byte) error {
	return t.to.Append(t.key(group, key), value)
}

// Delete removes a key.
func (t *Table) Delete(group uint16, key []byte) error { return t.to.Delete(t.key(group, key)) }

// Together makes the table's writes of f at once, when f returns. f may not read.
func (t *Table) Together(f func() error) error {
	defer func() { t.to = t.store }()
	return t.store.Together(func(w Writer) error {
		t.to = w
		return f()
	})
}

// Find visits the values of those keys that are there; key i is key(i). It looks them up in order, so many at once
// cost much less than each alone.
func (t *Table) Find(n int, group func(i int) uint16, key func(dst []byte, i int) []byte, visit func(i int, value []byte) error) error {
	var buf []byte
	ends := make([]int, n+1)
	for i := range n {
		g := group(i)
		buf = append(append(buf, t.prefix...), byte(g>>8), byte(g))
		buf = key(buf, i)
		ends[i+1] = len(buf)
	}
	keys, order := make([][]byte, n), make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	at := func(i int32) []byte { return buf[ends[i]:ends[i+1]] }
	slices.SortFunc(order, func(a, b int32) int { return bytes.Compare(at(a), at(b)) })
	for i, o := range order {
		keys[i] = at(o)
	}
	return t.store.Find(keys, func(i int, value []byte) error { return visit(int(order[i]), value) })
}

// Scan visits every entry of the table, in order of key group, then key.
func (t *Table) Scan(visit func(group uint16, key, value []byte) error) error {
	n := len(t.prefix)
	hi := append([]byte(nil), t.prefix...)
	hi[n-1]++
	return t.store.Scan(t.prefix, hi, func(k, v []byte) error {
		return visit(uint16(k[n])<<8|uint16(k[n+1]), k[n+2:], v)
	})
}

// ScanGroup visits the entries of one key group whose key starts with prefix, in order.
func (t *Table) ScanGroup(group uint16, prefix []byte, visit func(key, value []byte) error) error {
	lo := append([]byte(nil), t.key(group, prefix)...)
	n := len(t.prefix) + 2
	return t.store.Scan(lo, successor(lo), func(k, v []byte) error { return visit(k[n:], v) })
}

// successor is the first key after all keys that start with p, or nil.
func successor(p []byte) []byte {
	out := append([]byte(nil), p...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}
