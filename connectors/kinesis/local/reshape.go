package local

import (
	"cmp"
	"slices"
	"sort"
)

// reshaping turns the shards of one stream into others. It works on the descriptor alone; the tails it
// needs are final, because it runs in the writer's goroutine.
type reshaping struct {
	desc *streamDesc
	at   position // when shards end
}

func (s *Server) newReshaping(st *stream, desc *streamDesc) *reshaping {
	r := &reshaping{desc: desc, at: positionAt(s.nowMs())}
	for _, sh := range st.open {
		// Children start after everything their parents hold, whatever the clock did.
		r.at = max(r.at, sh.tail()+1)
	}
	return r
}

func (r *reshaping) find(index uint32) *shardDesc {
	i, _ := slices.BinarySearchFunc(r.desc.Shards, index, func(d shardDesc, want uint32) int { return cmp.Compare(d.Index, want) })
	return &r.desc.Shards[i]
}

// close ends a shard, which a shard made on the way does later than its parents.
func (r *reshaping) close(index uint32) shardDesc {
	d := r.find(index)
	d.End = max(r.at, d.Start)
	return *d
}

// add makes a shard which starts after the end of its parents.
func (r *reshaping) add(hash hashRange, parents ...shardDesc) uint32 {
	d := shardDesc{Index: r.desc.NextShard, Hash: hash}
	for _, p := range parents {
		d.Parents = append(d.Parents, p.Index)
		d.Start = max(d.Start, p.End+1)
	}
	r.desc.Shards = append(r.desc.Shards, d)
	r.desc.NextShard++
	return d.Index
}

// split replaces a shard by two, the second starting at the given key.
func (r *reshaping) split(index uint32, at hash128) (lower, upper uint32) {
	parent := r.close(index)
	lower = r.add(hashRange{parent.Hash.First, at.prev()}, parent)
	upper = r.add(hashRange{at, parent.Hash.Last}, parent)
	return lower, upper
}

// merge replaces two adjacent shards by one.
func (r *reshaping) merge(one, other uint32) uint32 {
	parent, adjacent := r.close(one), r.close(other)
	hash := hashRange{parent.Hash.First, adjacent.Hash.Last}
	if adjacent.Hash.First.less(parent.Hash.First) {
		hash = hashRange{adjacent.Hash.First, parent.Hash.Last}
	}
	return r.add(hash, parent, adjacent)
}

// scaleTo makes n equal shards by splits at each new border, then merges between the borders. A
// shard made on the way lives for no time and holds no record, as when the service scales.
func (r *reshaping) scaleTo(n int) {
	targets := evenRanges(n)
	var parts []shardDesc // in order of their first keys; no target's border is within one
	border := 0
	for _, d := range r.openShards() {
		index, first := d.Index, d.Hash.First
		for ; border < n && d.Hash.contains(targets[border].First); border++ {
			if at := targets[border].First; at != first {
				lower, upper := r.split(index, at)
				parts = append(parts, shardDesc{Index: lower, Hash: hashRange{First: first}})
				index, first = upper, at
			}
		}
		parts = append(parts, shardDesc{Index: index, Hash: hashRange{First: first}})
	}
	for _, target := range targets {
		whole := parts[0].Index
		for parts = parts[1:]; len(parts) > 0 && target.contains(parts[0].Hash.First); parts = parts[1:] {
			whole = r.merge(whole, parts[0].Index)
		}
	}
}

func (r *reshaping) openShards() []shardDesc {
	var open []shardDesc
	for _, d := range r.desc.Shards {
		if d.End == 0 {
			open = append(open, d)
		}
	}
	sort.Slice(open, func(i, j int) bool { return open[i].Hash.First.less(open[j].Hash.First) })
	return open
}
