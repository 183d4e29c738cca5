package planner

import "slices"

// upsertKeys gives the column sets each of which identifies a row of the table that n's changelog
// builds. The inputs' keys are already there. An empty set means that there is one row at most.
func upsertKeys(n Node) [][]int {
	switch n := n.(type) {
	case *Scan:
		return scanKeys(n)
	case *Calc:
		return calcKeys(n)
	case *GroupAgg:
		return [][]int{span(0, len(n.Keys))}
	case *WindowAgg:
		return windowAggKeys(n)
	case *Dedup:
		return [][]int{n.Keys}
	case *TopN:
		return topNKeys(n)
	case *WindowTopN:
		return windowTopNKeys(n)
	case *ChangelogNormalize:
		return [][]int{n.Keys}
	case *UpsertMaterialize:
		return [][]int{n.Keys}
	case *Join:
		return joinKeys(n)
	case *LookupJoin:
		return lookupKeys(n)
	case *TemporalJoin:
		return n.Left.Info().UpsertKeys
	case *Limit, *Exchange, *Sort, *Over, *Sink, *Collect:
		return n.Inputs()[0].Info().UpsertKeys
	case *SetOp:
		if !n.All {
			return [][]int{span(0, len(n.Out))}
		}
	}
	return nil
}

func span(lo, hi int) []int {
	out := make([]int, 0, hi-lo)
	for i := lo; i < hi; i++ {
		out = append(out, i)
	}
	return out
}

func scanKeys(n *Scan) [][]int {
	if len(n.Table.PrimaryKey) == 0 {
		return nil
	}
	var key []int
	for _, name := range n.Table.PrimaryKey {
		i := n.Out.Index(name)
		if i < 0 {
			return nil
		}
		key = append(key, i)
	}
	return [][]int{key}
}

// calcKeys carries keys through a projection: a key survives where each of its columns does.
func calcKeys(n *Calc) [][]int {
	to := map[int]int{}
	for i, e := range n.Exprs {
		if c, ok := keptColumn(e); ok {
			if _, seen := to[c]; !seen {
				to[c] = i
			}
		}
	}
	return mapKeys(n.Input.Info().UpsertKeys, to)
}

// keptColumn is the input column that e passes on in a way that keeps different values different.
func keptColumn(e Expr) (int, bool) {
	switch e := e.(type) {
	case *ColRef:
		return e.Index, true
	case *Cast:
		from, to := e.X.Type(), e.T
		if from.IsInteger() && to.IsInteger() && from.Kind <= to.Kind || from.IsString() && to.IsString() && from.Length <= to.Length || from.Same(to) {
			return keptColumn(e.X)
		}
	}
	return 0, false
}

func mapKeys(keys [][]int, to map[int]int) [][]int {
	var out [][]int
	for _, key := range keys {
		mapped := make([]int, 0, len(key))
		for _, c := range key {
			if i, ok := to[c]; ok {
				mapped = append(mapped, i)
			}
		}
		if len(mapped) == len(key) {
			slices.Sort(mapped)
			out = append(out, mapped)
		}
	}
	return out
}

func windowAggKeys(n *WindowAgg) [][]int {
	key := span(0, len(n.Keys))
	base := len(n.Keys) + len(n.Aggs)
	var out [][]int
	for i, p := range n.Props {
		if p != WindowProc {
			out = append(out, append(slices.Clone(key), base+i))
		}
	}
	return out
}

func topNKeys(n *TopN) [][]int {
	out := slices.Clone(n.Input.Info().UpsertKeys)
	if n.Rank {
		out = append(out, append(slices.Clone(n.Partition), len(n.Out)-1))
	}
	if n.Fetch == 1 {
		out = append(out, n.Partition)
	}
	return out
}

func windowTopNKeys(n *WindowTopN) [][]int {
	out := slices.Clone(n.Input.Info().UpsertKeys)
	if n.Window.End < 0 {
		return out
	}
	key := append(slices.Clone(n.Partition), n.Window.Start, n.Window.End)
	if n.Rank {
		out = append(out, append(slices.Clone(key), len(n.Out)-1))
	}
	if n.Fetch == 1 {
		out = append(out, key)
	}
	return out
}

// joinKeys: a row of the join is a pair of rows. Where the join key holds a key of one side, each row of
// the other meets at most one row of it, so the other's key is enough.
func joinKeys(n *Join) [][]int {
	left, right := n.Left.Info().UpsertKeys, n.Right.Info().UpsertKeys
	if n.Kind == SemiJoin || n.Kind == AntiJoin {
		return left
	}
	width := len(n.Left.Info().Out)
	shifted := make([][]int, len(right))
	for i, key := range right {
		shifted[i] = make([]int, len(key))
		for j, c := range key {
			shifted[i][j] = c + width
		}
	}
	var out [][]int
	leftOne, rightOne := containsKey(n.Keys.Left, left), containsKey(n.Keys.Right, right)
	if rightOne && (n.Kind == InnerJoin || n.Kind == LeftJoin) {
		out = append(out, left...)
	}
	if leftOne && (n.Kind == InnerJoin || n.Kind == RightJoin) {
		out = append(out, shifted...)
	}
	for _, l := range left {
		for _, r := range shifted {
			out = append(out, append(slices.Clone(l), r...))
		}
	}
	return out
}

// containsKey tells whether the columns hold all columns of one of the keys.
func containsKey(cols []int, keys [][]int) bool {
	for _, key := range keys {
		if subset(key, cols) {
			return true
		}
	}
	return false
}

func subset(a, b []int) bool {
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}

// sameSet tells whether the columns are the same, in any order.
func sameSet(a, b []int) bool { return subset(a, b) && subset(b, a) }

func lookupKeys(n *LookupJoin) [][]int {
	keys := scanKeys(n.Scan)
	if n.Ask != nil && n.Ask.Inputs != nil { // a model answers each row once
		return n.Input.Info().UpsertKeys
	}
	if containsKey(n.Columns, keys) {
		return n.Input.Info().UpsertKeys
	}
	return nil
}
