package planner

import (
	"fmt"
	"strings"
	"time"

	"weir/sql/types"
)

// Explain prints a plan as an indented tree: each node with what it computes, its columns, what row
// kinds it emits, what identifies a row, and the state it keeps. Secrets are masked.
func Explain(p *Plan) string {
	var b strings.Builder
	x := &explainer{b: &b, seen: map[Node]bool{}}
	for i, r := range p.Roots {
		if i > 0 {
			b.WriteByte('\n')
		}
		x.node(r, "", "")
	}
	if len(p.Warnings) > 0 {
		b.WriteByte('\n')
	}
	for _, w := range p.Warnings {
		b.WriteString("warning: " + w.Msg)
		if w.Hint != "" {
			b.WriteString("; " + w.Hint)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

type explainer struct {
	b    *strings.Builder
	seen map[Node]bool
}

// node writes n; first is the indent of its own line, rest that of what follows.
func (x *explainer) node(n Node, first, rest string) {
	info := n.Info()
	if x.seen[n] {
		fmt.Fprintf(x.b, "%s%s (as above)\n", first, info.ID)
		return
	}
	x.seen[n] = true
	fmt.Fprintf(x.b, "%s%s%s\n", first, info.ID, nodeText(n))
	ins := n.Inputs()
	bar := rest + "   "
	if len(ins) > 0 {
		bar = rest + "│  "
	}
	fmt.Fprintf(x.b, "%scolumns: %s\n", bar, columnsOfNode(info.Out))
	line := fmt.Sprintf("changelogMode=[%s]", info.Mode)
	if keys := keysText(info); keys != "" {
		line += " " + keys
	}
	if info.Dist.Kind == DistHash {
		line += fmt.Sprintf(" spread by (%s)", colNames(info.Out, info.Dist.Keys))
	}
	fmt.Fprintf(x.b, "%s%s\n", bar, line)
	if s := stateText(n); s != "" {
		fmt.Fprintf(x.b, "%sstate: %s\n", bar, s)
	}
	for i, in := range ins {
		if i == len(ins)-1 {
			x.node(in, rest+"└─ ", rest+"   ")
		} else {
			x.node(in, rest+"├─ ", rest+"│  ")
		}
	}
}

func columnsOfNode(s types.Schema) string {
	if len(s) == 0 {
		return "none"
	}
	parts := make([]string, len(s))
	for i, c := range s {
		parts[i] = c.Name + " " + ColumnType(c)
	}
	return strings.Join(parts, ", ")
}

// ColumnType is a column's type with its time attribute, as Flink's DESCRIBE writes it:
// "TIMESTAMP(3) *ROWTIME*".
func ColumnType(c types.Column) string {
	switch c.TimeAttr {
	case types.RowTime:
		return c.Type.String() + " *ROWTIME*"
	case types.ProcTime:
		return c.Type.String() + " *PROCTIME*"
	}
	return c.Type.String()
}

func keysText(info *Base) string {
	if info.Mode.AppendOnly() && len(info.UpsertKeys) == 0 {
		return ""
	}
	var parts []string
	for _, k := range info.UpsertKeys {
		parts = append(parts, "("+colNames(info.Out, k)+")")
	}
	if len(parts) == 0 {
		return ""
	}
	return "upsertKeys=[" + strings.Join(parts, ", ") + "]"
}

// nodeText says what a node does, after its name.
func nodeText(n Node) string {
	in := types.Schema(nil)
	if ins := n.Inputs(); len(ins) > 0 {
		in = ins[0].Info().Out
	}
	switch n := n.(type) {
	case *Scan:
		return scanText(n)
	case *Values:
		return ": " + countWord(len(n.Rows), "row")
	case *Calc:
		return calcText(n, in)
	case *GroupAgg:
		return phaseText(n.Phase) + aggregateText(in, n.Keys, n.Aggs) + bundleText(n.Bundle)
	case *WindowAgg:
		return phaseText(n.Phase) + ": " + windowText(n.Window, in) + aggregateText(in, n.Keys, n.Aggs)[1:] + emitText(n.Emit)
	case *WindowTVF:
		return ": " + windowText(n.Window, in)
	case *Limit:
		return fmt.Sprintf(": offset %d, fetch %s", n.Offset, fetchText(n.Fetch))
	case *Exchange:
		return ": " + distText(n.Dist, n.Out)
	case *ChangelogNormalize:
		return ": by (" + colNames(in, n.Keys) + ")"
	case *Sink:
		return sinkText(n)
	}
	return moreText(n, in)
}

func moreText(n Node, in types.Schema) string {
	switch n := n.(type) {
	case *ToChangelog:
		return n.text()
	case *FromChangelog:
		return n.text(in)
	case *Expand:
		if n.Bucket != nil {
			return fmt.Sprintf(": 1 of %d buckets by %s", n.Bucket.Of, in[n.Bucket.Col].Name)
		}
		return fmt.Sprintf(": %s", countWord(len(n.Projects), "grouping set"))
	case *Sort:
		return ": by " + sortText(n.Keys, in)
	case *TopN:
		to := fmt.Sprint(n.Offset + n.Fetch)
		if n.FetchExpr != nil {
			to = exprText(n.FetchExpr, in)
		}
		by := ""
		if len(n.Keys) > 0 {
			by = " by " + sortText(n.Keys, in)
		}
		return fmt.Sprintf(": rows %d to %s%s%s", n.Offset+1, to, partitionText(n.Partition, in), by)
	case *WindowTopN:
		return fmt.Sprintf(": rows %d to %d of each window%s by %s", n.Offset+1, n.Offset+n.Fetch, partitionText(n.Partition, in), sortText(n.Keys, in))
	case *Dedup:
		which := map[bool]string{false: "first", true: "last"}[n.Last]
		return fmt.Sprintf(": the %s row of (%s) by %s", which, colNames(in, n.Keys), in[n.TimeCol].Name)
	case *Over:
		return ":" + partitionText(n.Partition, in) + " order by " + sortText(n.Order, in) + " " + frameText(n.Frame) + " [" + aggList(n.Aggs, in) + "]"
	case *Unnest:
		return ": " + exprText(n.Collection, in)
	case *SetOp:
		return ": " + map[bool]string{false: "INTERSECT", true: "EXCEPT"}[n.Except] + map[bool]string{true: " ALL"}[n.All]
	case *UpsertMaterialize:
		return ": by (" + colNames(in, n.Keys) + ")"
	case *Match:
		text := ": " + n.patternText(n.Pattern) + partitionText(n.Partition, in) + " order by " + in[n.TimeCol].Name
		if n.WithinMs > 0 {
			text += " within " + millisText(n.WithinMs)
		}
		return text
	}
	return joinText(n)
}

func scanText(n *Scan) string {
	text := ": " + n.Table.Path[2] + " (connector " + n.Table.Options["connector"] + ")"
	if n.Watermark != nil {
		text += ", watermark " + n.Out[n.Watermark.Column].Name + " = " + exprText(n.Watermark.Expr, n.Out)
	}
	if p := policyText(n.Table, &n.Common, true); p != "" {
		text += ", " + p
	}
	if n.Limit > 0 {
		text += fmt.Sprintf(", at most %d rows", n.Limit)
	}
	if n.Exprs != nil {
		src := append(types.Schema(nil), n.Columns...)
		for _, k := range n.Meta {
			src = append(src, types.Column{Name: "metadata " + k})
		}
		var parts []string
		for i, e := range n.Exprs {
			if t := exprText(e, src); t != n.Out[i].Name {
				parts = append(parts, n.Out[i].Name+" = "+t)
			}
		}
		if len(parts) > 0 {
			text += ", " + strings.Join(parts, ", ")
		}
	}
	return text
}

func calcText(n *Calc, in types.Schema) string {
	var parts []string
	for i, e := range n.Exprs {
		t := exprText(e, in)
		if i < len(n.Out) && t != n.Out[i].Name {
			t += " AS " + n.Out[i].Name
		}
		parts = append(parts, t)
	}
	text := ": [" + strings.Join(parts, ", ") + "]"
	if n.Cond != nil {
		text += " where " + exprText(n.Cond, in)
	}
	return text
}

func phaseText(p Phase) string {
	return [...]string{"", " (local)", " (global)"}[p]
}

func aggregateText(in types.Schema, keys []int, aggs []AggCall) string {
	text := ": by (" + colNames(in, keys) + ")"
	if len(aggs) > 0 {
		text += " [" + aggList(aggs, in) + "]"
	}
	return text
}

func aggList(aggs []AggCall, in types.Schema) string {
	parts := make([]string, len(aggs))
	for i, a := range aggs {
		args := colNames(in, a.Args)
		if len(a.Args) == 0 {
			args = "*"
		}
		if a.Distinct {
			args = "DISTINCT " + args
		}
		parts[i] = a.Func + "(" + args + ")"
		if a.Filter >= 0 {
			parts[i] += " FILTER " + in[a.Filter].Name
		}
	}
	return strings.Join(parts, ", ")
}

func windowText(w Window, in types.Schema) string {
	var text string
	switch w.Kind {
	case Tumble:
		text = "TUMBLE size " + millisText(w.Size)
	case Hop:
		text = fmt.Sprintf("HOP slide %s, size %s", millisText(w.Slide), millisText(w.Size))
	case Cumulate:
		text = fmt.Sprintf("CUMULATE step %s, size %s", millisText(w.Slide), millisText(w.Size))
	case Session:
		text = "SESSION gap " + millisText(w.Gap)
	case Stagger:
		text = "STAGGER size " + millisText(w.Size)
	}
	if w.Offset != 0 {
		text += ", offset " + millisText(w.Offset)
	}
	if len(w.PartitionBy) > 0 {
		text += " of each (" + colNames(in, w.PartitionBy) + ")"
	}
	switch {
	case w.Start >= 0 && w.End >= 0 && w.End < len(in):
		text += " in " + in[w.Start].Name + ", " + in[w.End].Name
	case w.TimeCol >= 0 && w.TimeCol < len(in):
		text += " on " + in[w.TimeCol].Name
	}
	if w.ProcTime {
		text += " (processing time)"
	}
	return text
}

func emitText(e *WindowEmit) string {
	if e == nil {
		return ""
	}
	text := ""
	for _, part := range []struct {
		name  string
		delay int64
	}{{"early", e.Early}, {"late", e.Late}} {
		switch {
		case part.delay == 0:
			text += ", " + part.name + " results after each row"
		case part.delay > 0:
			text += ", " + part.name + " results every " + millisText(part.delay)
		}
	}
	return text
}

func fetchText(n int64) string {
	if n < 0 {
		return "all"
	}
	return fmt.Sprint(n)
}

func distText(d Distribution, out types.Schema) string {
	switch d.Kind {
	case DistHash:
		return "hash of (" + colNames(out, d.Keys) + ")"
	case DistSingle:
		return "all to one instance"
	}
	return "round robin"
}

func sortText(keys []SortKey, in types.Schema) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = in[k.Col].Name
		if k.Desc {
			parts[i] += " DESC"
		}
		if k.NullsLast != k.Desc {
			parts[i] += map[bool]string{true: " NULLS LAST", false: " NULLS FIRST"}[k.NullsLast]
		}
	}
	return strings.Join(parts, ", ")
}

func partitionText(cols []int, in types.Schema) string {
	if len(cols) == 0 {
		return ""
	}
	return " of each (" + colNames(in, cols) + ")"
}

func frameText(f Frame) string {
	bound := func(v int64) string {
		switch {
		case v == MinFrame || v == MaxFrame:
			return "unbounded"
		case v == 0:
			return "current row"
		case f.Rows:
			return fmt.Sprintf("%+d rows", v)
		case v < 0:
			return "-" + millisText(-v)
		}
		return "+" + millisText(v)
	}
	return map[bool]string{true: "rows", false: "range"}[f.Rows] + " from " + bound(f.Lo) + " to " + bound(f.Hi)
}

func sinkText(n *Sink) string {
	text := ": " + n.Table.Path[2] + " (connector " + n.Table.Options["connector"] + ")"
	if n.Overwrite {
		text += ", overwrites"
	}
	if len(n.Key) > 0 {
		text += ", key (" + colNames(n.Out, n.Key) + ")"
	}
	for _, c := range n.Narrow {
		text += fmt.Sprintf(", checks that %s fits %s", n.Out[c.Column].Name, c.To.WithNull(true))
	}
	if len(n.NotNull) > 0 {
		text += ", not null (" + colNames(n.Out, n.NotNull) + ")"
	}
	if p := policyText(n.Table, &n.Common, false); p != "" {
		text += ", " + p
	}
	return text
}

func joinText(n Node) string {
	var kind JoinKind
	var keys JoinKeys
	var cond Expr
	extra := ""
	switch n := n.(type) {
	case *Join:
		kind, keys, cond = n.Kind, n.Keys, n.Cond
	case *IntervalJoin:
		kind, keys, cond = n.Kind, n.Keys, n.Cond
		extra = fmt.Sprintf(", left time from %s to %s of the right", millisText(n.Lower), millisText(n.Upper))
	case *TemporalJoin:
		kind, keys, cond = n.Kind, n.Keys, n.Cond
		extra = ", the version at the left row's time"
	case *WindowJoin:
		kind, keys, cond = n.Kind, n.Keys, n.Cond
		extra = ", in the same window"
	case *LookupJoin:
		if n.Ask != nil && n.Ask.Inputs != nil {
			return ": model " + n.Table.Path[2] + askText(n.Ask)
		}
		return ": " + [...]string{"inner", "left"}[n.Kind] + " of " + n.Table.Path[2] + " by (" + colNames(n.Scan.Out, n.Columns) + ")" + askText(n.Ask)
	default:
		return ""
	}
	left, right := n.Inputs()[0].Info().Out, n.Inputs()[1].Info().Out
	text := ": " + [...]string{"inner", "left", "right", "full", "semi", "anti"}[kind]
	for i := range keys.Left {
		op := " = "
		if i < len(keys.NullSafe) && keys.NullSafe[i] {
			op = " IS NOT DISTINCT FROM "
		}
		text += map[bool]string{true: " on ", false: " and "}[i == 0] + left[keys.Left[i]].Name + op + right[keys.Right[i]].Name
	}
	if cond != nil {
		text += " where " + exprText(cond, append(append(types.Schema(nil), left...), right...))
	}
	return text + extra
}

// stateText says what a node keeps, and what frees it.
func stateText(n Node) string {
	switch n := n.(type) {
	case *GroupAgg:
		if n.Phase == LocalPhase {
			return ""
		}
		if len(n.Keys) == 0 {
			return "1 row"
		}
		return "1 row a group" + ttlText(n.TTL)
	case *WindowAgg:
		if n.Phase == LocalPhase {
			return ""
		}
		if n.Emit != nil && n.Emit.Lateness > 0 {
			return "open windows and what they gave last, freed when the watermark is " + millisText(n.Emit.Lateness) + " past the window's end"
		}
		if n.Window.ProcTime {
			return "open windows, freed when the clock passes the window's end"
		}
		return "open windows, freed when the watermark passes the window's end"
	case *WindowTVF:
		if n.Window.byKey() {
			return "rows of open windows, freed when the " + map[bool]string{false: "watermark", true: "clock"}[n.Window.ProcTime] + " passes the window's end"
		}
	case *WindowTopN, *WindowJoin:
		return "rows of open windows, freed when the watermark passes the window's end"
	case *ChangelogNormalize:
		return "1 row a key" + ttlText(n.TTL)
	case *UpsertMaterialize:
		return "rows of each key" + ttlText(n.TTL)
	case *Dedup:
		return "1 row a key" + ttlText(n.TTL)
	case *TopN:
		return "rows of each partition" + ttlText(n.TTL)
	case *Join:
		if n.LeftTTL != n.RightTTL {
			return "all rows of the left input" + ttlText(n.LeftTTL) + "; all rows of the right input" + ttlText(n.RightTTL)
		}
		return "all rows of both inputs" + ttlText(n.LeftTTL)
	case *SetOp:
		return "a count for each row" + ttlText(n.TTL)
	case *IntervalJoin:
		return "rows within the interval, freed by the watermark"
	case *TemporalJoin:
		return "versions of the right side, older ones freed by the watermark"
	case *Sort:
		return "rows ahead of the watermark"
	case *Over:
		return "rows within the frame" + map[bool]string{true: ", freed by the watermark"}[n.TimeCol >= 0]
	case *Match:
		return "partial matches, freed when they end or by WITHIN"
	}
	return ""
}

func ttlText(ttl time.Duration) string {
	if ttl <= 0 {
		return ", kept for ever (no TTL)"
	}
	return fmt.Sprintf(", kept for %s after the last write", spanText(ttl))
}
