package exec

import (
	"context"
	"fmt"
	"strings"

	"weir/exec/checkpoint"
	"weir/exec/op"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/vec"
)

// Operators lists what a plan keeps in checkpoints: each operator with its tables.
func Operators(p *planner.Plan) ([]checkpoint.Operator, error) {
	a := &assembly{run: newRuntime(Options{}), graph: newGraph(p), ctx: context.Background()}
	return a.describe()
}

// describe lists the plan's operators, consumers first. An operator declares its tables when it is opened, so each is opened
// once over an empty store.
func (a *assembly) describe() (out []checkpoint.Operator, err error) {
	seen := map[planner.Node]bool{}
	var visit func(n planner.Node) error
	visit = func(n planner.Node) error {
		if seen[n] {
			return nil
		}
		seen[n] = true
		if !isExchange(n) && localOf(n) != n {
			o, err := a.describeNode(n)
			if err != nil {
				return err
			}
			out = append(out, o)
		}
		for _, in := range n.Inputs() {
			if err := visit(in); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range a.graph.roots {
		if err := visit(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *assembly) describeNode(n planner.Node) (checkpoint.Operator, error) {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", n), "*planner.")
	o := checkpoint.Operator{ID: n.Info().ID, Kind: kind, Text: textOf(n), Stage: a.graph.of[n].name, Parallelism: a.graph.of[n].parallelism}
	switch n := n.(type) {
	case *planner.Scan:
		o.Role, o.Text = checkpoint.Source, fmt.Sprintf("table %q", strings.Join(n.Table.Path[:], "."))
	case *planner.Values:
		o.Role = checkpoint.Source
	case *planner.Sink:
		o.Role, o.Text = checkpoint.Sink, fmt.Sprintf("table %q", strings.Join(n.Table.Path[:], "."))
	case *planner.Collect:
	default:
		tables, err := a.tablesOf(n)
		if err != nil {
			return o, fmt.Errorf("%s: %w", nodeName(n), err)
		}
		o.Tables = tables
	}
	return o, nil
}

// localOf is the local phase of a two-phase aggregate, given either of them; nil for any other node.
func localOf(n planner.Node) planner.Node {
	phase := planner.WholePhase
	switch n := n.(type) {
	case *planner.GroupAgg:
		phase = n.Phase
	case *planner.WindowAgg:
		phase = n.Phase
	}
	switch phase {
	case planner.WholePhase:
		return nil
	case planner.LocalPhase:
		return n
	}
	in := n.Inputs()[0]
	for isExchange(in) {
		in = in.Inputs()[0]
	}
	return in
}

// tablesOf opens the node's operator over nothing to see which tables it declares.
func (a *assembly) tablesOf(n planner.Node) ([]state.Spec, error) {
	operator, err := a.newOperator(n)
	if err != nil {
		return nil, err
	}
	ctx := &op.Context{
		ID: n.Info().ID, Parallelism: 1, State: state.New(state.NewMemory(), n.Info().ID), Fn: a.fnCtx(), Metrics: &op.Metrics{},
		Ask:         func(uint64, func(context.Context) (*vec.Batch, error)) {},
		Interrupted: func() bool { return false },
	}
	if err := operator.Open(ctx); err != nil {
		return nil, err
	}
	return ctx.State.Specs(), operator.Close()
}

// textOf is what EXPLAIN says that a node does, in one line, and the columns it works on.
func textOf(n planner.Node) string {
	if local := localOf(n); local != nil { // the state is that of the aggregate in one phase
		return strings.TrimPrefix(strings.TrimPrefix(explained(local), "(local)"), ": ")
	}
	return explained(n)
}

func explained(n planner.Node) string {
	lines := strings.SplitN(planner.Explain(&planner.Plan{Roots: []planner.Node{n}}), "\n", 2)
	text := strings.TrimPrefix(strings.TrimPrefix(lines[0], n.Info().ID), ":")
	return strings.TrimSpace(text)
}

// fits compares the plan with the one that the checkpoint was made with. Where what differs may be left out,
// it gives the IDs of the operators whose state is; otherwise the error shows the differences.
func (a *assembly) fits(from *checkpoint.Checkpoint) (lost map[string]bool, err error) {
	if from == nil || from.Operators == nil { // made without a plan, by a test
		return nil, nil
	}
	lost = map[string]bool{}
	refused := false
	diff := checkpoint.Diff(from.Operators, a.operators)
	for _, c := range diff {
		refused = refused || c.State
		if c.Lost {
			lost[c.ID] = true
		}
	}
	if refused && !a.run.opts.AllowNonRestored {
		return nil, &checkpoint.Mismatch{Checkpoint: from.ID, Path: from.Path, Diff: diff}
	}
	return lost, nil
}
