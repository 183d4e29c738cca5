package planner

import (
	"fmt"
	"slices"

	"weir/sql/types"
)

// The physical pass spreads nodes over parallel instances. Each node asks its inputs for a
// distribution; where an input has another, an Exchange moves its rows. With a parallelism of 1 there
// is nothing to move, and no Exchange.

// physical puts in exchanges and local phases, and returns the roots.
func physical(roots []Node, set Settings) []Node {
	p := &placer{parallelism: max(set.Parallelism, 1), twoPhase: set.TwoPhase, bundle: set.bundle(), done: map[Node]bool{}}
	for _, r := range roots {
		p.place(r)
	}
	return roots
}

type placer struct {
	parallelism int
	twoPhase    bool
	bundle      Bundle
	done        map[Node]bool
}

func (p *placer) place(n Node) {
	if p.done[n] {
		return
	}
	p.done[n] = true
	for _, in := range n.Inputs() {
		p.place(in)
	}
	if g, ok := n.(*GroupAgg); ok {
		g.Bundle = p.bundle
	}
	if p.parallelism == 1 {
		n.Info().Dist = Distribution{Kind: DistSingle}
		return
	}
	if p.split(n) {
		return
	}
	alone := allSingle(n.Inputs())
	for i, in := range n.Inputs() {
		want := wants(n, i)
		if !satisfies(in.Info().Dist, want) || len(n.Inputs()) > 1 && !alone && !exactly(in.Info().Dist, want) {
			setInput(n, i, exchange(in, want))
		}
	}
	n.Info().Dist = gives(n)
}

// allSingle tells whether all inputs are at one instance.
func allSingle(ins []Node) bool {
	for _, in := range ins {
		if in.Info().Dist.Kind != DistSingle {
			return false
		}
	}
	return true
}

// exactly tells whether rows are where want puts them: rows of several inputs meet only if each input is
// spread by the same function of the keys. It is not enough that each keeps equal rows together.
func exactly(have, want Distribution) bool {
	switch want.Kind {
	case DistAny:
		return true
	case DistSingle:
		return have.Kind == DistSingle
	}
	return have.Kind == DistHash && slices.Equal(have.Keys, want.Keys)
}

func exchange(in Node, dist Distribution) *Exchange {
	info := in.Info()
	return &Exchange{
		Base:  &Base{Out: info.Out, Mode: info.Mode, UpsertKeys: info.UpsertKeys, Dist: dist},
		Input: in,
	}
}

func satisfies(have, want Distribution) bool {
	switch want.Kind {
	case DistAny:
		return true
	case DistSingle:
		return have.Kind == DistSingle
	}
	// Rows spread by some of the keys would be together too; but an operator's state is by key group, of all its keys, and
	// at another parallelism is dealt out by that.
	return have.Kind == DistSingle || exactly(have, want)
}

func hash(keys []int) Distribution {
	if len(keys) == 0 {
		return Distribution{Kind: DistSingle}
	}
	return Distribution{Kind: DistHash, Keys: keys}
}

// wants is the distribution that a node needs of an input.
func wants(n Node, port int) Distribution {
	switch n := n.(type) {
	case *GroupAgg:
		return hash(n.Keys)
	case *WindowAgg:
		return hash(n.Keys)
	case *ChangelogNormalize:
		return hash(n.Keys)
	case *UpsertMaterialize:
		return hash(n.Keys)
	case *Dedup:
		return hash(n.Keys)
	case *TopN:
		return hash(n.Partition)
	case *WindowTopN:
		return hash(n.Partition)
	case *Over:
		return hash(n.Partition)
	case *Match:
		return hash(n.Partition)
	case *Join:
		return joinSide(n.Keys, port)
	case *IntervalJoin:
		return joinSide(n.Keys, port)
	case *TemporalJoin:
		return joinSide(n.Keys, port)
	case *WindowJoin:
		return joinSide(n.Keys, port)
	case *SetOp:
		return hash(span(0, len(n.Out)))
	case *WindowTVF:
		if n.Window.byKey() {
			return hash(n.Window.PartitionBy)
		}
	case *LookupJoin:
		if keys := n.ChangeKeys(); keys != nil {
			return hash(keys)
		}
	case *Limit, *Sort, *Collect:
		return Distribution{Kind: DistSingle}
	case *Sink:
		return sinkWants(n)
	}
	return Distribution{}
}

// sinkWants: changes of one row must stay in order, so they go through one instance.
func sinkWants(n *Sink) Distribution {
	in := n.Input.Info()
	if in.Mode.AppendOnly() || len(n.Key) == 0 || containsKey(in.Dist.Keys, [][]int{n.Key}) {
		return Distribution{}
	}
	return hash(n.Key)
}

func joinSide(k JoinKeys, port int) Distribution {
	if port == 0 {
		return hash(k.Left)
	}
	return hash(k.Right)
}

// gives is the distribution of a node's rows, once its inputs are as it wants.
func gives(n Node) Distribution {
	ins := n.Inputs()
	switch n := n.(type) {
	case *Scan, *Values, *Union:
		return Distribution{}
	case *Calc:
		return calcDist(n)
	case *GroupAgg:
		return keyDist(n.Input, n.Keys)
	case *WindowAgg:
		return keyDist(n.Input, n.Keys)
	case *Match:
		return keyDist(n.Input, n.Partition)
	case *Expand:
		return Distribution{}
	case *LookupJoin:
		return lookupDist(n)
	case *Join, *IntervalJoin, *TemporalJoin, *WindowJoin:
		return joinDist(n)
	}
	if len(ins) == 1 || len(ins) > 1 && ins[0].Info().Dist.Kind == DistSingle {
		return ins[0].Info().Dist
	}
	return Distribution{}
}

// keyDist is the distribution of rows that begin with the keys of the input: that of the input, which may be
// at one instance, or spread by some of the keys only.
func keyDist(in Node, keys []int) Distribution {
	d := in.Info().Dist
	if d.Kind != DistHash {
		return d
	}
	out := Distribution{Kind: DistHash, Keys: make([]int, len(d.Keys))}
	for i, k := range d.Keys {
		if out.Keys[i] = slices.Index(keys, k); out.Keys[i] < 0 {
			return Distribution{}
		}
	}
	return out
}

// lookupDist: rows that wait for answers come back at another parallelism where their changes stay in order, or anywhere.
func lookupDist(n *LookupJoin) Distribution {
	in := n.Input.Info().Dist
	if n.Ask == nil || in.Kind == DistSingle {
		return in
	}
	if keys := n.ChangeKeys(); len(keys) > 0 {
		return hash(keys)
	}
	return Distribution{}
}

func joinDist(n Node) Distribution {
	left := n.Inputs()[0].Info().Dist
	if j, ok := n.(*Join); ok && (j.Kind == RightJoin || j.Kind == FullJoin) && left.Kind == DistHash {
		return Distribution{} // padded rows have NULL keys
	}
	return left
}

func calcDist(n *Calc) Distribution {
	d := n.Input.Info().Dist
	if d.Kind != DistHash {
		return d
	}
	to := map[int]int{}
	for i, e := range n.Exprs {
		if c, ok := e.(*ColRef); ok {
			if _, seen := to[c.Index]; !seen {
				to[c.Index] = i
			}
		}
	}
	keys := make([]int, 0, len(d.Keys))
	for _, k := range d.Keys {
		i, ok := to[k]
		if !ok {
			return Distribution{}
		}
		keys = append(keys, i)
	}
	return Distribution{Kind: DistHash, Keys: keys}
}

// split puts a local phase before the exchange of a mergeable aggregate over inserts.
func (p *placer) split(n Node) bool {
	if !p.twoPhase {
		return false
	}
	switch n := n.(type) {
	case *WindowAgg:
		if n.Emit != nil || keepsLate(n) || n.Window.Kind == Session || n.Window.ProcTime || n.Window.Start >= 0 || satisfies(n.Input.Info().Dist, hash(n.Keys)) || !mergeable(n.Aggs, n.Input) {
			return false
		}
		local := &WindowAgg{Base: newBase(partialSchema(n.Input.Info().Out, n.Keys, n.Aggs, true)), Input: n.Input, Window: n.Window, Keys: n.Keys, Aggs: n.Aggs, Phase: LocalPhase}
		local.Rows, n.RowAggs = rowAggs(len(n.Keys), n.Aggs)
		local.Mode, local.Dist = types.AppendMode, n.Input.Info().Dist
		n.Input, n.Keys, n.Aggs, n.Phase = exchange(local, hash(span(0, len(n.Keys)))), span(0, len(n.Keys)), globalAggs(len(n.Keys), n.Aggs), GlobalPhase
		n.Window.TimeCol = len(local.Out) - 1
	case *GroupAgg:
		// Only where rows are gathered: a local phase that tells each change would gain nothing.
		if p.bundle.Rows == 0 || satisfies(n.Input.Info().Dist, hash(n.Keys)) || !mergeable(n.Aggs, n.Input) {
			return false
		}
		local := &GroupAgg{Base: newBase(partialSchema(n.Input.Info().Out, n.Keys, n.Aggs, false)), Input: n.Input, Keys: n.Keys, Aggs: n.Aggs, Phase: LocalPhase, Bundle: p.bundle}
		local.Mode, local.Dist = types.AppendMode, n.Input.Info().Dist
		n.Input, n.Keys, n.Aggs, n.Phase = exchange(local, hash(span(0, len(n.Keys)))), span(0, len(n.Keys)), globalAggs(len(n.Keys), n.Aggs), GlobalPhase
	default:
		return false
	}
	n.Info().Dist = gives(n)
	return true
}

// mergeable tells whether all aggregates can be merged from partial ones over inserts alone.
func mergeable(aggs []AggCall, in Node) bool {
	if !in.Info().Mode.AppendOnly() {
		return false
	}
	for _, a := range aggs {
		if a.Distinct || a.resolved == nil || !a.resolved.Mergeable {
			return false
		}
	}
	return true
}

// partialSchema is what a local phase emits: the keys, the state columns of each aggregate, and for a
// window the end of its slice as BIGINT milliseconds.
func partialSchema(in types.Schema, keys []int, aggs []AggCall, window bool) types.Schema {
	out := in.Select(keys)
	for i := range out {
		out[i].TimeAttr = types.NotTime
	}
	for i, a := range aggs {
		for j, t := range a.resolved.State {
			out = append(out, types.Column{Name: fmt.Sprintf("$agg%d_%d", i, j), Type: t})
		}
	}
	if window {
		out = append(out, types.Column{Name: "$slice_end", Type: types.BigIntType.WithNull(false)})
	}
	return out
}

// globalAggs reads each aggregate's state columns.
func globalAggs(keys int, aggs []AggCall) []AggCall {
	out := make([]AggCall, len(aggs))
	at := keys
	for i, a := range aggs {
		out[i] = a
		n := len(a.resolved.State)
		out[i].Args, out[i].Filter = span(at, at+n), -1
		at += n
	}
	return out
}

// rowAggs lists the columns that the aggregates read, each once, and the aggregates over rows of as many
// keys and then those columns.
func rowAggs(keys int, aggs []AggCall) (cols []int, out []AggCall) {
	cols = []int{}
	place := func(c int) int {
		for i, have := range cols {
			if have == c {
				return keys + i
			}
		}
		cols = append(cols, c)
		return keys + len(cols) - 1
	}
	for _, a := range aggs {
		args := make([]int, len(a.Args))
		for i, c := range a.Args {
			if i >= len(a.Consts) || a.Consts[i] == nil {
				args[i] = place(c)
			}
		}
		if a.Args = args; a.Filter >= 0 {
			a.Filter = place(a.Filter)
		}
		out = append(out, a)
	}
	return cols, out
}

// assignIDs names the nodes: kind and number in order of first visit from the roots. Nodes that hold no
// state of their own (Exchange, a local phase) are named after the node they serve, so that changing
// the parallelism changes no other name.
func assignIDs(roots []Node) {
	count := map[string]int{}
	done := map[Node]bool{}
	var visit func(n Node, consumer string, port int)
	visit = func(n Node, consumer string, port int) {
		if done[n] {
			return
		}
		done[n] = true
		info := n.Info()
		switch {
		case isExchange(n):
			info.ID = fmt.Sprintf("Exchange-%s-%d", consumer, port)
		case isLocal(n):
			info.ID = consumer + "-local"
		default:
			count[kindName(n)]++
			info.ID = fmt.Sprintf("%s-%d", kindName(n), count[kindName(n)])
			consumer = info.ID
		}
		for i, in := range n.Inputs() {
			visit(in, consumer, i)
		}
	}
	for _, r := range roots {
		visit(r, "", 0)
	}
}

func isExchange(n Node) bool { _, ok := n.(*Exchange); return ok }

func isLocal(n Node) bool {
	switch n := n.(type) {
	case *WindowAgg:
		return n.Phase == LocalPhase
	case *GroupAgg:
		return n.Phase == LocalPhase
	}
	return false
}
