package op

import "weir/sql/vec"

// Budget is an operator's part in the bound of the memory that the operators of a job hold in state.
type Budget struct {
	held int64
	grow func(by, held int64) bool
	over func(held int64)
	told bool
}

// NewBudget makes a budget from two functions. grow charges bytes (negative: gives back), held being what the operator holds
// with them, and tells whether that fits. over is told once that an operator which cannot move state to disk holds too much.
func NewBudget(grow func(by, held int64) bool, over func(held int64)) *Budget {
	return &Budget{grow: grow, over: over}
}

// Grow charges bytes; false means the operator should move cold state to the store.
func (b *Budget) Grow(bytes int64) bool {
	if b == nil || b.grow == nil {
		return true
	}
	b.held += bytes
	return b.grow(bytes, b.held)
}

// spare tells whether an eighth more would fit.
func (b *Budget) spare() bool { return b.room(8) }

// room tells whether a part more of what is held would fit: a half, for 2.
func (b *Budget) room(part int64) bool {
	if b == nil {
		return true
	}
	by := b.held/part + 1
	fits := b.Grow(by)
	b.Grow(-by)
	return fits
}

// tell tells the user, once, that the operator holds too much and cannot move it to the store.
func (b *Budget) tell() {
	if b != nil && !b.told && b.over != nil {
		b.told = true
		b.over(b.held)
	}
}

// charges publishes the memory that an operator holds in state, and charges what is new of it. False means that the operator should
// move cold state to the store.
func (c *Context) charges(bytes int64) bool {
	by := bytes - c.Metrics.StateBytes
	c.Metrics.StateBytes = bytes
	return c.Budget.Grow(by)
}

// holds is charges of an operator that cannot move state to the store: the user is told when it holds too much.
func (c *Context) holds(bytes int64) {
	if !c.charges(bytes) {
		c.Budget.tell()
	}
}

// releases gives back what was charged.
func (c *Context) releases() error {
	c.Budget.Grow(-c.Metrics.StateBytes)
	return nil
}

// coldKeys picks the keys that leave memory: those which were not used since its hand passed over them last. Until keys were picked
// once, which of them are used is not noted, for that costs as much as looking them up.
type coldKeys struct {
	used []bool // by group
	hand int32
	// most is the number of keys that memory has room for; 0: not known yet.
	most int
	// rest is the number of rows to come before cold keys are looked for again: few could leave.
	rest int
	// picked: keys have left memory.
	picked bool
}

func (c *coldKeys) use(gids []int32, n int) {
	if c.rest -= min(len(gids), c.rest); !c.picked {
		return
	}
	for len(c.used) < n {
		c.used = append(c.used, false)
	}
	for _, gid := range gids {
		if gid >= 0 {
			c.used[gid] = true
		}
	}
}

// full tells whether keys should leave memory: what it has does not fit, or as many are there as did not fit before
// and there is no room for more.
func (c *coldKeys) full(b *Budget, live int, fits bool) bool {
	switch {
	case c.rest > 0:
		return false
	case !fits:
		c.most = live
	case c.most == 0 || live < c.most:
		return false
	case b.spare():
		c.most = 0
		return false
	}
	return live > 0
}

// pick lists a third of the live keys, coldest first. They are to be deleted.
func (c *coldKeys) pick(groups *vec.Groups, keep func(gid int32) bool) []int32 {
	n := int32(groups.Cap())
	c.picked = true
	c.use(nil, int(n))
	want := (groups.Len() + 2) / 3
	out := make([]int32, 0, want)
	for seen := int64(0); seen < 2*int64(n) && len(out) < want; seen++ {
		if c.hand++; c.hand >= n {
			c.hand = 0
		}
		gid := c.hand
		switch {
		case !groups.Live(gid) || keep != nil && keep(gid):
		case c.used[gid]:
			c.used[gid] = false
		default:
			c.used[gid] = true // not twice
			out = append(out, gid)
		}
	}
	for _, gid := range out {
		c.used[gid] = false
	}
	if len(out) < want/2 {
		c.rest = int(n) / 8
	}
	return out
}

// stillDirty keeps the groups of a list that are dirty.
func stillDirty(list []int32, dirty []bool) []int32 {
	live := list[:0]
	for _, gid := range list {
		if dirty[gid] {
			live = append(live, gid)
		}
	}
	return live
}
