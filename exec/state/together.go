package state

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// Append adds to the end of the key's value.
func (m *Memory) Append(key, value []byte) error {
	at, i, ok := find(m.leaves, key)
	if !ok {
		return m.Set(key, value)
	}
	l := m.own(at)
	l.vals[i] = append(l.vals[i], value...) // what a snapshot sees of the old value stays as it is
	m.bytes += int64(len(value))
	return nil
}

// Find visits the values of keys.
func (m *Memory) Find(keys [][]byte, visit func(i int, value []byte) error) error {
	for k, key := range keys {
		if at, i, ok := find(m.leaves, key); ok {
			if err := visit(k, m.leaves[at].vals[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Together makes the writes of f.
func (m *Memory) Together(f func(Writer) error) error { return f(m) }

// Append adds to the end of the key's value. It waits for a picture that is being made.
func (p *Pebble) Append(key, value []byte) error {
	if err := p.settle(); err != nil {
		return err
	}
	return p.db.Merge(key, value, pebble.NoSync)
}

// Find visits the values of keys. One iterator passes over all of them; what it learned of the files at one key
// spares it work at the next.
func (p *Pebble) Find(keys [][]byte, visit func(i int, value []byte) error) (err error) {
	if err := p.guard.err(); err != nil || len(keys) == 0 {
		return err
	}
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: keys[0], UpperBound: append(bytes.Clone(keys[len(keys)-1]), 0), UseL6Filters: true})
	if err != nil {
		return err
	}
	defer func() {
		if e := it.Close(); err == nil {
			err = e
		}
	}()
	for i, key := range keys {
		if !it.SeekPrefixGE(key) { // by prefix, for then filters tell most keys that are not there
			if err := it.Error(); err != nil {
				return err
			}
			continue
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := visit(i, value); err != nil {
			return err
		}
	}
	return it.Error()
}

// batchBytes is how much Together gathers at a time, or a memtable's size if that is less. A batch of more than half a
// memtable goes to a file as it is.
const batchBytes = 4 << 20

// Together makes the writes of f at once, or some of them at a time. It waits for a picture that is being made.
func (p *Pebble) Together(f func(Writer) error) error {
	if err := p.settle(); err != nil {
		return err
	}
	w := &batch{p: p}
	if err := f(w); err != nil {
		return err
	}
	return w.flush()
}

// batch gathers writes for a database.
type batch struct {
	p           *Pebble
	b           *pebble.Batch
	wrote       int64
	first, last []byte // keys of b
}

func (w *batch) Set(key, value []byte) error {
	if err := w.room(key); err != nil {
		return err
	}
	return w.b.Set(key, value, nil)
}

func (w *batch) Append(key, value []byte) error {
	if err := w.room(key); err != nil {
		return err
	}
	return w.b.Merge(key, value, nil)
}

func (w *batch) Delete(key []byte) error {
	if err := w.room(key); err != nil {
		return err
	}
	return w.b.Delete(key, nil)
}

func (w *batch) room(key []byte) error {
	if w.b != nil && w.b.Len() >= w.p.batch {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.b == nil {
		w.b, w.first = w.p.db.NewBatch(), append(w.first[:0], key...)
	}
	w.last = append(w.last[:0], key...)
	return nil
}

func (w *batch) flush() error {
	b := w.b
	if b == nil {
		return nil
	}
	w.b = nil
	w.wrote += int64(b.Len())
	w.p.spans.wrote(w.wrote, int64(b.Len()), w.first, w.last)
	if err := b.Commit(pebble.NoSync); err != nil {
		return err
	}
	return b.Close()
}

// Append adds to the end of the key's value.
func (g *Growing) Append(key, value []byte) error {
	if g.disk != nil {
		return g.disk.Append(key, value)
	}
	if err := g.mem.Append(key, value); err != nil {
		return err
	}
	return g.bound()
}

// Find visits the values of keys.
func (g *Growing) Find(keys [][]byte, visit func(i int, value []byte) error) error {
	if g.disk != nil {
		return g.disk.Find(keys, visit)
	}
	return g.mem.Find(keys, visit)
}

// Together makes the writes of f at once. Where memory is short they are for disk from the first.
func (g *Growing) Together(f func(Writer) error) error {
	if g.disk == nil && g.c.Pressed != nil && g.c.Pressed() {
		if err := g.move(); err != nil {
			return err
		}
	}
	if g.disk != nil {
		return g.disk.Together(f)
	}
	w := &outgrowing{g: g}
	if err := f(w); err != nil || w.b == nil {
		return err
	}
	return w.b.flush()
}

// outgrowing writes to a store in memory that may move to disk meanwhile: what comes then is gathered.
type outgrowing struct {
	g *Growing
	b *batch
}

func (w *outgrowing) to() Writer {
	if w.g.disk == nil {
		return w.g
	}
	if w.b == nil {
		w.b = &batch{p: w.g.disk} // no picture of it can be under way
	}
	return w.b
}

func (w *outgrowing) Set(key, value []byte) error    { return w.to().Set(key, value) }
func (w *outgrowing) Append(key, value []byte) error { return w.to().Append(key, value) }
func (w *outgrowing) Delete(key []byte) error        { return w.to().Delete(key) }

// Bytes is the size of what the store has on disk; 0 while it is in memory.
func (g *Growing) Bytes() int64 {
	if g.disk == nil {
		return 0
	}
	return g.disk.Bytes()
}

// Bytes is the size of the database's files.
func (p *Pebble) Bytes() int64 { return int64(p.db.Metrics().DiskSpaceUsage()) }
