package op

import (
	"encoding/binary"

	"weir/exec/state"
	"weir/sql/types"
)

// savedTime is a time of the operator's that outlives a restart: a watermark, on which lateness depends.
// Each instance stores it in all its key groups, so that whichever instance is given one of them finds
// it; of several the least counts.
type savedTime struct {
	table  *state.Table
	at     int64
	stored int64
}

func openSavedTime(ctx *Context, name string) (*savedTime, error) {
	t := &savedTime{table: ctx.State.Table(state.Spec{Name: name, Value: []string{"BIGINT"}}), at: int64(types.MinTime)}
	at, some, err := loadMin(t.table)
	if some {
		t.at = at
	}
	t.stored = t.at
	return t, err
}

// advance moves the time on; it never goes back.
func (t *savedTime) advance(to int64) { t.at = max(t.at, to) }

func (t *savedTime) save(ctx *Context) error {
	if t.stored == t.at {
		return nil
	}
	t.stored = t.at
	return saveInAll(t.table, ctx, binary.BigEndian.AppendUint64(nil, uint64(t.at)))
}

// loadMin gives the least of the times in a table.
func loadMin(t *state.Table) (at int64, some bool, err error) {
	at = int64(types.MaxTime)
	err = t.Scan(func(_ uint16, _, v []byte) error {
		at, some = min(at, int64(binary.BigEndian.Uint64(v))), true
		return nil
	})
	return at, some, err
}

// firstGroup is a key group that belongs to the instance, for state that is not by key.
func firstGroup(ctx *Context) uint16 {
	g := uint16(0)
	for state.Owner(g, max(ctx.Parallelism, 1)) != ctx.Instance {
		g++
	}
	return g
}

// saveInAll sets the empty key in each key group of the instance.
func saveInAll(t *state.Table, ctx *Context, value []byte) error {
	for g := range uint16(state.KeyGroups) {
		if state.Owner(g, max(ctx.Parallelism, 1)) != ctx.Instance {
			continue
		}
		if err := t.Set(g, nil, value); err != nil {
			return err
		}
	}
	return nil
}

// savedCount is a number that only grows, as that of arrivals, and outlives a restart.
type savedCount struct {
	table *state.Table
	n     int64
}

func openSavedCount(ctx *Context, name string) (*savedCount, error) {
	c := &savedCount{table: ctx.State.Table(state.Spec{Name: name, Value: []string{"BIGINT"}})}
	err := c.table.Scan(func(_ uint16, _, v []byte) error {
		c.n = max(c.n, int64(binary.BigEndian.Uint64(v)))
		return nil
	})
	return c, err
}

func (c *savedCount) save(ctx *Context, n int64) error {
	if c.n == n {
		return nil
	}
	c.n = n
	return saveInAll(c.table, ctx, binary.BigEndian.AppendUint64(nil, uint64(n)))
}
