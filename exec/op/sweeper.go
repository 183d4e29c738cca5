package op

import (
	"bytes"
	"encoding/binary"
	"time"

	"weir/exec/state"
	"weir/sql/vec"
)

// sweeper finds the keys of a table that expired in the store alone: nobody may ask for them again once the job was
// restored, or memory had no room for them. It looks at one key group after the other, at all of them within the time
// that keys are kept, so on disk a key stays for at most about twice as long.
type sweeper struct {
	table *state.Table
	ttl   int64                            // milliseconds; 0: nothing expires
	last  func(value []byte) (stamp int64) // when a stored value was last written
	here  func(key []byte) bool            // whether memory has the key: then it is not for the sweeper
	parts *vec.KeyDecoder                  // of what comes first in a key, where that expires as a whole; nil: each key alone
	group uint16                           // the next to be looked at
	due   int64                            // when; 0: not known yet
	found []foundKey
	bytes int
}

type foundKey struct {
	group uint16
	key   string
}

// sweptBytes is how much of keys a sweeper gathers before it deletes them, whether or not a snapshot comes.
const sweptBytes = 4 << 20

func newSweeper(t *state.Table, ttl time.Duration, last func([]byte) int64, here func([]byte) bool) *sweeper {
	return &sweeper{table: t, ttl: ttl.Milliseconds(), last: last, here: here}
}

// step looks at a key group if it is time to.
func (s *sweeper) step(now int64) error {
	if s.ttl == 0 {
		return nil
	}
	every := max(s.ttl/state.KeyGroups, 1)
	if s.due == 0 {
		s.due = now + every
	}
	if now < s.due {
		return nil
	}
	s.due = max(s.due+every, now-s.ttl) // a clock that jumped asks for one round
	group := s.group
	s.group = (group + 1) % state.KeyGroups
	if err := s.look(group, now); err != nil || s.bytes < sweptBytes {
		return err
	}
	return s.flush()
}

// look finds the keys of a group that expired.
func (s *sweeper) look(group uint16, now int64) error {
	before := len(s.found)
	start, fresh := before, false
	var part []byte
	end := func() {
		if fresh || len(s.found) > start && s.here(part) {
			s.found = s.found[:start]
		}
		start, fresh = len(s.found), false
	}
	err := s.table.ScanGroup(group, nil, func(key, value []byte) error {
		n, err := len(key), error(nil)
		if s.parts != nil {
			n, err = s.parts.Front(key)
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(part, key[:n]) {
			end()
			part = append(part[:0], key[:n]...)
		}
		if fresh = fresh || s.last(value)+s.ttl > now; !fresh {
			s.found = append(s.found, foundKey{group, string(key)})
		}
		return nil
	})
	end()
	for _, f := range s.found[before:] {
		s.bytes += len(f.key) + 24
	}
	return err
}

// flush deletes what was found. It must come before what is written under keys that came back since.
func (s *sweeper) flush() error {
	if len(s.found) == 0 {
		return nil
	}
	err := s.table.Together(func() error {
		for _, f := range s.found {
			if err := s.table.Delete(f.group, []byte(f.key)); err != nil {
				return err
			}
		}
		return nil
	})
	s.found, s.bytes = nil, 0
	return err
}

// sweptAfter is how many places in memory are looked at for what expired when n rows came. Were it no more than each
// row may take anew, what expired would pile up: with twice as many there is never much more of it than of what lives.
func sweptAfter(n int) int { return 2*n + 16 }

// lastOfEntries is when the last of a join key's rows was written.
func lastOfEntries(v []byte) (stamp int64) {
	for len(v) > 0 {
		stamp = max(stamp, int64(binary.BigEndian.Uint64(v[8:])))
		v = v[entryHead+int(binary.BigEndian.Uint32(v[24:])):]
	}
	return stamp
}

// lastOfGroup is when a group was last written: the second column of what is stored of it, as vec.KeyEncoder writes it.
func lastOfGroup(v []byte) int64 {
	const at, sign = 1 + 8 + 1, 1 << 63
	return int64(binary.BigEndian.Uint64(v[at:]) ^ sign)
}
