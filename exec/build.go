package exec

import (
	"fmt"

	"weir/exec/op"
	"weir/planner"
)

// newOperator is THE switch from a plan node to its operator. Scans, values, exchanges and roots are no
// operators: the task runs them itself. A new operator adds its case.
func newOperator(n planner.Node, s *planner.Settings) (op.Operator, error) {
	switch n := n.(type) {
	case *planner.Calc:
		return op.NewCalc(n, s)
	case *planner.Expand:
		return op.NewExpand(n, s)
	case *planner.Unnest:
		return op.NewUnnest(n, s)
	case *planner.GroupAgg:
		return op.NewGroupAgg(n, s)
	case *planner.WindowTVF:
		return op.NewWindowTVF(n, s)
	case *planner.WindowAgg:
		return op.NewWindowAgg(n, s)
	case *planner.WindowTopN:
		return op.NewWindowTopN(n, s)
	case *planner.WindowJoin:
		return op.NewWindowJoin(n, s)
	case *planner.Limit:
		return op.NewLimit(n, s)
	case *planner.Sort:
		return op.NewSort(n, s)
	case *planner.TopN:
		return op.NewTopN(n, s)
	case *planner.Dedup:
		return op.NewDedup(n, s)
	case *planner.Join:
		return op.NewJoin(n, s)
	case *planner.Over:
		return op.NewOver(n, s)
	case *planner.IntervalJoin:
		return op.NewIntervalJoin(n, s)
	case *planner.TemporalJoin:
		return op.NewTemporalJoin(n, s)
	case *planner.SetOp:
		return op.NewSetOp(n, s)
	case *planner.ChangelogNormalize:
		return op.NewChangelogNormalize(n, s)
	case *planner.UpsertMaterialize:
		return op.NewUpsertMaterialize(n, s)
	case *planner.Match:
		return op.NewMatch(n, s)
	case *planner.ToChangelog:
		return op.NewToChangelog(n, s)
	case *planner.FromChangelog:
		return op.NewFromChangelog(n, s)
	case *planner.Union:
		return union{}, nil
	}
	return nil, fmt.Errorf("there is no operator for the plan node %T yet", n)
}
