package vec

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
)

// Delete frees a live group and its number. When it was the last one, numbers start again at 0.
func (g *Groups) Delete(group int32) {
	id := g.ids[group]
	if id.size == freeIdent {
		panic("vec: deleting a group twice")
	}
	if id.size == nullIdent {
		g.null = -1
	} else {
		g.removeSlot(group, id)
	}
	if id.size > maxInline {
		g.waste += int(id.size)
	}
	g.ids[group] = ident{size: freeIdent}
	g.free = append(g.free, group)
	g.live--
	if g.live == 0 {
		g.Clear()
	} else if g.waste > 1<<16 && g.waste > len(g.arena)/2 {
		g.compact()
	}
}

// Clear deletes all groups; numbers start again at 0.
func (g *Groups) Clear() {
	g.ids, g.free, g.arena = g.ids[:0], g.free[:0], g.arena[:0]
	g.waste, g.live, g.null = 0, 0, -1
	if len(g.slots) > 1<<16 {
		g.slots = make([]slot, 64)
	} else {
		clear(g.slots)
	}
}

// removeSlot empties the group's slot, moving up those that had to probe past it.
func (g *Groups) removeSlot(group int32, id ident) {
	hash := g.hashOf(id)
	mask := uint32(len(g.slots) - 1)
	at := hash & mask
	for g.slots[at].group != group+1 {
		at = (at + 1) & mask
	}
	for next := (at + 1) & mask; g.slots[next].group != 0; next = (next + 1) & mask {
		home := g.slots[next].hash & mask
		if (next-home)&mask >= (next-at)&mask {
			g.slots[at] = g.slots[next]
			at = next
		}
	}
	g.slots[at] = slot{}
}

func (g *Groups) hashOf(id ident) uint32 {
	switch {
	case g.kind == intKeys:
		return hashInt(id.a)
	case id.size > maxInline:
		return uint32(id.a)
	}
	var buf [maxInline]byte
	_, hash := identify(id.bytes(buf[:0]))
	return hash
}

func (g *Groups) compact() {
	arena := make([]byte, 0, len(g.arena)-g.waste)
	for i := range g.ids {
		if id := &g.ids[i]; id.size > maxInline {
			start := len(arena)
			arena = append(arena, g.arena[id.b:id.b+uint64(id.size)]...)
			id.b = uint64(start)
		}
	}
	g.arena, g.waste = arena, 0
}

// Live tells whether the number belongs to a group.
func (g *Groups) Live(group int32) bool {
	return int(group) < len(g.ids) && g.ids[group].size != freeIdent
}

// All lists the live groups in the order of their numbers, appending to dst.
func (g *Groups) All(dst []int32) []int32 {
	for i := range g.ids {
		if g.ids[i].size != freeIdent {
			dst = append(dst, int32(i))
		}
	}
	return dst
}

// AppendKey appends the encoded key of a live group.
func (g *Groups) AppendKey(dst []byte, group int32) []byte {
	id := &g.ids[group]
	if id.size == freeIdent {
		panic("vec: the key of a deleted group")
	}
	col := func() *keyCol { return &g.enc.cols[0] }
	if id.size == nullIdent {
		dst = append(dst, col().null)
		return append(dst, make([]byte, max(col().width, 0))...)
	}
	switch g.kind {
	case intKeys:
		dst = append(dst, col().notNul)
		if col().width == 4 {
			return binary.BigEndian.AppendUint32(dst, uint32(id.a)^1<<31)
		}
		return binary.BigEndian.AppendUint64(dst, id.a^1<<63)
	case textKeys:
		dst = append(dst, col().notNul)
		if id.size > maxInline {
			return appendEscaped(dst, g.arena[id.b:id.b+uint64(id.size)])
		}
		var buf [maxInline]byte
		return appendEscaped(dst, id.bytes(buf[:0]))
	}
	if id.size > maxInline {
		return append(dst, g.arena[id.b:id.b+uint64(id.size)]...)
	}
	return id.bytes(dst)
}

// Keys gives the key columns of the listed groups.
func (g *Groups) Keys(groups []int32) []arrow.Array {
	if g.kind == intKeys {
		return []arrow.Array{g.intColumn(groups)}
	}
	d := g.enc.NewDecoder()
	var buf []byte
	for _, group := range groups {
		buf = g.AppendKey(buf[:0], group)
		if err := d.Append(buf); err != nil {
			panic("vec: " + err.Error())
		}
	}
	return d.Columns()
}

// intColumn is Keys of a table of one integer column: an ident holds the value itself.
func (g *Groups) intColumn(groups []int32) arrow.Array {
	dt := g.enc.cols[0].Type.Arrow()
	if g.enc.cols[0].width == 4 {
		return intColumn[int32](g, dt, groups)
	}
	return intColumn[int64](g, dt, groups)
}

func intColumn[T int32 | int64](g *Groups, dt arrow.DataType, groups []int32) arrow.Array {
	out := make([]T, len(groups))
	var valid Bitmap
	for i, group := range groups {
		switch id := &g.ids[group]; id.size {
		case freeIdent:
			panic("vec: the key of a deleted group")
		case nullIdent:
			if valid == nil {
				valid = FullBitmap(len(groups))
			}
			valid.Clear(i)
		default:
			out[i] = T(id.a)
		}
	}
	return Fixed(dt, out, valid)
}
