package op

import (
	"bytes"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// changelogNormalize turns upserts by key into a full changelog: it keeps the last row of each key.
type changelogNormalize struct {
	Base
	node   *planner.ChangelogNormalize
	codec  *rowCodec
	before bool
	state  *keyed
}

// NewChangelogNormalize makes the operator of a ChangelogNormalize.
func NewChangelogNormalize(n *planner.ChangelogNormalize, _ *planner.Settings) (Operator, error) {
	return &changelogNormalize{node: n, codec: newRowCodec(n.Input.Info().Out), before: n.Mode.Has(types.UpdateBefore)}, nil
}

func (c *changelogNormalize) Open(ctx *Context) (err error) {
	keys := columnTypes(c.codec.schema, c.node.Keys)
	c.state, err = openKeyed(ctx, "rows", keys, []types.Type{types.BytesType}, c.node.TTL)
	return err
}

func (c *changelogNormalize) Process(_ int, b *vec.Batch, out Emitter) error {
	gids, err := c.state.lookup(columnVecs(b, c.node.Keys), b.Len())
	if err != nil {
		return err
	}
	rows, ch := c.codec.encode(b), newChanges(c.codec)
	for i, gid := range gids {
		if b.Kind(i) == types.UpdateBefore {
			continue // what is kept says what was before
		}
		old := c.state.get(gid)
		if !types.Adds(b.Kind(i)) {
			if old != nil {
				ch.addStored(types.Delete, old)
				c.state.set(gid, nil)
			}
			continue
		}
		switch {
		case old == nil:
			ch.addRow(types.Insert, i)
		case c.node.TTL == 0 && bytes.Equal(old, rows.At(i)):
			continue
		default:
			if c.before {
				ch.addStored(types.UpdateBefore, old)
			}
			ch.addRow(types.UpdateAfter, i)
		}
		c.state.set(gid, rows.At(i))
	}
	if err := ch.flush(b, out); err != nil {
		return err
	}
	return c.state.release()
}

func (c *changelogNormalize) Snapshot() error { return c.state.snapshot() }

func (c *changelogNormalize) Close() error { return c.state.close() }
