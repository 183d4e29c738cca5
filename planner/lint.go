package planner

import (
	"fmt"
	"slices"
	"strings"
)

// Lint lists what is risky in a plan, beside what binding warned of: the LINT statement shows both.
func Lint(p *Plan) []Warning {
	out := append([]Warning(nil), p.Warnings...)
	return append(out, advice(p)...)
}

// Advice is what EXPLAIN PLAN_ADVICE adds to a plan.
func Advice(p *Plan) string {
	var b strings.Builder
	for _, w := range advice(p) {
		fmt.Fprintf(&b, "advice: %s; %s\n", w.Msg, w.Hint)
	}
	if b.Len() == 0 {
		return "advice: none\n"
	}
	return b.String()
}

// lint gives the warnings that every plan carries.
func lint(p *Plan) []Warning {
	var out []Warning
	for _, n := range postorder(p.Roots) {
		if s, ok := n.(*Scan); ok && s.Watermark != nil && s.Common.IdleTimeout == 0 && p.Settings.IdleTimeout == 0 && s.Common.IdleAdvance == 0 && p.Settings.IdleAdvance == 0 && timed(p.Roots, s) && live(s) {
			out = append(out, Warning{
				Kind: IdleSource, Fix: before("table.exec.source.idle-timeout", "10 s"),
				Msg:  fmt.Sprintf("a shard of %q without records holds the watermark back, and with it every result", s.Table.Path[2]),
				Hint: "SET 'table.exec.source.idle-timeout' = '10 s' leaves such a shard out; 'table.exec.source.idle-advance' has its time follow the clock, so that the last windows end too",
			})
		}
	}
	return append(out, askedAgain(p)...)
}

// askedAgain: what two lookup joins ask for is asked for twice, and paid for twice.
func askedAgain(p *Plan) []Warning {
	times := map[string]int{}
	var out []Warning
	for _, n := range postorder(p.Roots) {
		j, ok := n.(*LookupJoin)
		if !ok || j.Ask == nil {
			continue
		}
		key := []string{pathText(j.Table.Path)}
		for _, e := range j.Exprs {
			in := j.Input
			for c, ok := in.(*Calc); ok; c, ok = in.(*Calc) {
				e, in = substitute(e, c.Exprs), c.Input
			}
			key = append(key, exprText(e, in.Info().Out))
		}
		for _, x := range postorder([]Node{j.Input}) {
			if s, ok := x.(*Scan); ok {
				key = append(key, pathText(s.Table.Path))
			}
		}
		k := strings.Join(key, "\x00")
		if times[k]++; times[k] == 2 {
			out = append(out, Warning{
				Msg:  fmt.Sprintf("%q is asked in several places with the same values of the same rows, and each makes its own requests", j.Table.Path[2]),
				Hint: "have one INSERT write the answers into a table, and read that one elsewhere",
			})
		}
	}
	return out
}

// live tells whether a table has splits that may fall silent.
func live(s *Scan) bool {
	switch s.Table.Options["connector"] {
	case "kinesis", "kafka", "upsert-kafka":
		return true
	}
	return false
}

// timed tells whether something above the Scan waits for its watermark.
func timed(roots []Node, s *Scan) bool {
	for _, n := range postorder(roots) {
		switch n := n.(type) {
		case *WindowAgg:
			if !n.Window.ProcTime && below(n, s) {
				return true
			}
		case *WindowTVF:
			if n.Window.byKey() && !n.Window.ProcTime && below(n, s) {
				return true
			}
		case *WindowTopN, *WindowJoin, *IntervalJoin, *TemporalJoin, *Sort, *Match, *Over:
			if below(n, s) {
				return true
			}
		}
	}
	return false
}

func below(n, target Node) bool {
	for _, x := range postorder([]Node{n}) {
		if x == target {
			return true
		}
	}
	return false
}

// advice is what only LINT tells.
func advice(p *Plan) []Warning {
	var out []Warning
	for _, n := range postorder(p.Roots) {
		if w, ok := unbounded(n); ok && !p.Settings.Batch {
			out = append(out, w)
		}
		out = append(out, changingKeys(n)...)
		switch n := n.(type) {
		case *Scan:
			out = append(out, dropsBad(n.Table, n.Common.ErrorMode)...)
		case *Calc:
			out = append(out, integerDivision(n)...)
			out = append(out, changingCalls(n)...)
			if !p.Settings.Batch {
				out = append(out, rankCondition(n)...)
			}
		case *Over:
			out = append(out, notOnFlink(n, p.Settings.Batch)...)
		case *Sink:
			out = append(out, distinctInserts(n)...)
			out = append(out, dropsBad(n.Table, n.Common.ErrorMode)...)
		case *LookupJoin:
			if n.Ask != nil {
				continue
			}
			out = append(out, Warning{Msg: fmt.Sprintf("a lookup join with %q does not run on Flink, whose connector %q has no lookup", n.Table.Path[2], n.Table.Options["connector"]), Hint: "there, join with a table of a connector that has one, as jdbc"})
		}
	}
	return out
}

// rankCondition: the first rows by RANK are found here, while Flink finds them by ROW_NUMBER only.
func rankCondition(n *Calc) []Warning {
	o, ok := n.Input.(*Over)
	if !ok || n.Cond == nil {
		return nil
	}
	used := map[int]bool{}
	columnsOf(n.Cond, used)
	first := len(o.Out) - len(o.Aggs)
	for i, a := range o.Aggs {
		if used[first+i] && (a.Func == "RANK" || a.Func == "DENSE_RANK") {
			return []Warning{{Msg: "a condition on " + a.Func + "() does not run on Flink while streaming", Hint: "ROW_NUMBER() runs there, and keeps less state"}}
		}
	}
	return nil
}

// unbounded is a node whose state grows for ever.
func unbounded(n Node) (Warning, bool) {
	state, ok := stateOf(n)
	if !ok || state.Bounded {
		return Warning{}, false
	}
	w := Warning{
		Kind: UnboundedState, Fix: before("table.exec.state.ttl", "1 d"),
		Msg:  fmt.Sprintf("%s%s keeps its state for ever", n.Info().ID, nodeText(n)),
		Hint: "SET 'table.exec.state.ttl' = '1 d', or bound it in time with a window",
	}
	switch n.(type) {
	case *TemporalJoin:
		w.Msg = fmt.Sprintf("%s%s keeps the newest version of each key for ever", n.Info().ID, nodeText(n))
		w.Hint += "; its size is that of the table on the right"
	case *Match:
		w.Hint, w.Fix = "write WITHIN INTERVAL '1' HOUR behind the PATTERN, so that partial matches end", nil
	case *Sort:
		return Warning{}, false
	}
	return w, true
}

// distinctInserts: Flink takes what DISTINCT gives for a stream that changes, though it never does.
func distinctInserts(s *Sink) []Warning {
	if !s.Takes.AppendOnly() {
		return nil
	}
	for _, n := range postorder([]Node{s.Input}) {
		if g, ok := n.(*GroupAgg); ok && len(g.Aggs) == 0 && g.Info().Mode.AppendOnly() && g.Phase != LocalPhase {
			return []Warning{{
				Msg:  fmt.Sprintf("INSERT of DISTINCT rows into %q, which takes inserts only, does not run on Flink", s.Table.Path[2]),
				Hint: "there, take a table that takes changes, or the first row of each key by time: ROW_NUMBER() OVER (PARTITION BY ... ORDER BY time) = 1",
			}}
		}
	}
	return nil
}

// changingCalls: what gives another value for the same row cannot take back the row it gave.
func changingCalls(c *Calc) []Warning {
	in := c.Input.Info()
	if in.Mode.AppendOnly() {
		return nil
	}
	var out []Warning
	for _, e := range append(slices.Clone(c.Exprs), c.Cond) {
		if e != nil && volatile(e) {
			out = append(out, Warning{Kind: Volatile, Msg: fmt.Sprintf("%s gives another value when a row is taken back than when it came, so it is not found", toldText(e, c.Input)), Hint: "compute it below, where rows are only inserted"}.put(volatileAt(e)))
		}
	}
	return out
}

func integerDivision(c *Calc) []Warning {
	var out []Warning
	look := func(e Expr) {
		walkExpr(e, func(x Expr) bool {
			if call, ok := x.(*Call); ok && call.Func == "/" && call.T.IsInteger() {
				out = append(out, Warning{Kind: IntegerDivision, Fix: castLeft(call.at), Msg: fmt.Sprintf("%s divides integers, so the result is cut to a whole number", toldText(call, c.Input)), Hint: "CAST one side AS DOUBLE or DECIMAL"}.put(call.at))
			}
			return true
		})
	}
	for _, e := range c.Exprs {
		look(e)
	}
	look(c.Cond)
	return out
}
