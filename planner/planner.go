package planner

import (
	"errors"
	"slices"
	"time"

	"weir/connectors"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/fn"
	"weir/sql/types"
)

// Planner plans the statements of one session. It changes nothing but the catalog, and that only in
// the methods that define or drop objects.
type Planner struct {
	Catalog    *Catalog
	Connectors map[string]connectors.Connector
	Providers  map[string]connectors.Connector // of models; their configurations are connectors.LooksUp
	Env        *connectors.Env
	Settings   Settings
}

// binder binds one statement.
type binder struct {
	p        *Planner
	depth    int
	views    []string // being expanded, to find a view that reads itself
	ctes     []cteScope
	warnings []Warning
	// readsWatermark: CURRENT_WATERMARK is used.
	readsWatermark bool
	errs           *sql.ErrorList
	// mayCorrelate: the expression may read columns of the query around.
	mayCorrelate bool
	// toldNull: there is a warning of an untyped NULL.
	toldNull bool
	// ttls are the STATE_TTL hints of the SELECT that is bound, by relation.
	ttls map[string]time.Duration
	// lookups are the LOOKUP hints of that SELECT, by relation.
	lookups map[string]*lookupHint
	// asking: the table that is bound is asked by key.
	asking bool
	// ttlRead are those of ttls that a node keeps its state by.
	ttlRead map[string]bool
}

func (p *Planner) binder() *binder { return &binder{p: p, errs: &sql.ErrorList{}} }

func (b *binder) zone() *time.Location {
	if z := b.p.Settings.Zone; z != nil {
		return z
	}
	return time.UTC
}

// fnCtx is what constants are folded with: nothing in it depends on the moment.
func (b *binder) fnCtx() *fn.Ctx {
	return &fn.Ctx{Zone: b.zone(), Streaming: !b.p.Settings.Batch, Watermark: types.MinTime, Database: b.p.Settings.Database}
}

func (b *binder) warn(at ast.Node, msg, hint string) {
	w := Warning{Msg: msg, Hint: hint}
	b.warnings = append(b.warnings, w.put(b.place(at)))
}

// collect keeps an error and lets binding go on, so that several are told at once.
func (b *binder) collect(err error) {
	var list *sql.ErrorList
	var one *sql.Error
	switch {
	case errors.As(err, &list):
		for _, e := range list.Errors {
			b.errs.Add(e)
		}
	case errors.As(err, &one):
		b.errs.Add(one)
	default:
		b.errs.Add(&sql.Error{Msg: err.Error()})
	}
}

// PlanQuery plans a query whose rows the session shows.
func (p *Planner) PlanQuery(q ast.Query) (*Plan, error) {
	b := p.binder()
	n, err := b.query(q, nil)
	if err != nil {
		return nil, err
	}
	out := n.Info().Out
	for _, c := range out {
		if c.Type.Kind == types.Null {
			return nil, sql.Errorf(q, "column %q of the result is NULL alone, which has no type", c.Name).WithHint("write CAST(NULL AS type)")
		}
	}
	if p.Settings.Batch {
		out = plain(out) // a bounded result has no time attributes
	}
	root := &Collect{Base: newBase(out), Input: n}
	return p.finish(b, []Node{root}, []ast.Node{q})
}

// Columns are the columns of a query's plan, as a client shows them.
func Columns(plan *Plan) types.Schema { return plan.Roots[0].Info().Out }

// finish runs the passes over bound roots. at are the statements' places, for errors found there.
func (p *Planner) finish(b *binder, roots []Node, at []ast.Node) (*Plan, error) {
	roots = optimize(roots, b)
	if err := settleConstants(roots); err != nil {
		return nil, err
	}
	if err := p.checkOver(roots); err != nil {
		return nil, err
	}
	if err := p.modes(b, roots, at); err != nil {
		return nil, err
	}
	if err := resolveAggs(roots); err != nil {
		return nil, err
	}
	if err := p.checkMiniBatch(at[0]); err != nil {
		return nil, err
	}
	physical(roots, p.Settings)
	assignIDs(roots)
	plan := &Plan{Roots: roots, Settings: p.Settings, Warnings: b.warnings}
	plan.Warnings = append(plan.Warnings, lint(plan)...)
	return plan, nil
}

// modes runs the changelog pass, once more where it shows that rows must be brought in order for a sink.
func (p *Planner) modes(b *binder, roots []Node, at []ast.Node) error {
	err := changelog(roots, p.Settings.Batch)
	if err == nil && b.materializeSinks(roots) {
		err = changelog(roots, p.Settings.Batch)
	}
	if err == nil && p.Settings.Batch {
		err = insertsOnly(roots, at)
	}
	var m *modeError
	if errors.As(err, &m) {
		return sql.Errorf(at[min(m.root, len(at)-1)], "%s", m.msg).WithHint("%s", m.hint)
	}
	return err
}

// insertsOnly refuses sources of changes in batch mode, as Flink does: a table that changes has no rows to end with.
func insertsOnly(roots []Node, at []ast.Node) error {
	for i, r := range roots {
		for _, n := range postorder([]Node{r}) {
			if s, ok := n.(*Scan); ok && !s.Mode.AppendOnly() {
				return sql.Errorf(at[min(i, len(at)-1)], "table %q gives changes of rows, which batch mode does not read", s.Table.Path[2]).
					WithHint("SET 'execution.runtime-mode' = 'streaming'; its last rows are the table")
			}
		}
	}
	return nil
}

// checkOver refuses what an endless stream cannot compute.
func (p *Planner) checkOver(roots []Node) error {
	if p.Settings.Batch {
		return nil
	}
	var errs sql.ErrorList
	for _, n := range postorder(roots) {
		o, ok := n.(*Over)
		if !ok {
			continue
		}
		ahead := slices.IndexFunc(o.Aggs, func(a AggCall) bool { return looksAhead[a.Func] })
		switch {
		case ahead >= 0:
			addError(&errs, sql.Errorf(o.Aggs[ahead].at, "%s depends on rows that are still to come, which an endless stream cannot wait for", o.Aggs[ahead].Func).WithHint("SET 'execution.runtime-mode' = 'batch' runs it over what is there"))
		case len(o.Order) == 0:
			addError(&errs, sql.Errorf(o.at, "OVER of an endless stream wants ORDER BY").WithHint("order by the row-time attribute"))
		case o.Frame.Hi > 0:
			addError(&errs, sql.Errorf(o.at, "OVER of an endless stream cannot look at rows that are still to come").WithHint("end the frame at CURRENT ROW, or SET 'execution.runtime-mode' = 'batch'"))
		case o.Frame.Hi < 0:
			addError(&errs, sql.Errorf(o.at, "OVER of an endless stream must end at the current row, by Flink too").WithHint("end the frame at CURRENT ROW, or SET 'execution.runtime-mode' = 'batch'"))
		case o.TimeCol < 0 && o.Frame.Lo != MinFrame:
			addError(&errs, sql.Errorf(o.at, "OVER of an endless stream that is not ordered by time, ascending, must begin at UNBOUNDED PRECEDING").WithHint("order by the row-time attribute, or SET 'execution.runtime-mode' = 'batch'"))
		}
	}
	return errs.Err()
}

// looksAhead are the functions of OVER that know a row's value only when later rows are there.
var looksAhead = map[string]bool{"LEAD": true, "NTILE": true, "PERCENT_RANK": true, "CUME_DIST": true}

// resolveAggs resolves the aggregates again, now that it is known whether rows may be taken away.
func resolveAggs(roots []Node) error {
	for _, n := range postorder(roots) {
		var aggs []AggCall
		switch n := n.(type) {
		case *GroupAgg:
			aggs = n.Aggs
		case *WindowAgg:
			aggs = n.Aggs
		case *Over:
			aggs = n.Aggs
		}
		if len(aggs) == 0 {
			continue
		}
		retract := !n.Inputs()[0].Info().Mode.AppendOnly()
		for i := range aggs {
			if err := aggs[i].resolve(retract); err != nil {
				return err
			}
		}
	}
	return nil
}

// resolve looks the aggregate up for its argument types.
func (a *AggCall) resolve(retract bool) error {
	args := make([]fn.Arg, len(a.ArgTypes))
	for i, t := range a.ArgTypes {
		args[i].Type = t
		if i < len(a.Consts) && a.Consts[i] != nil {
			args[i].Lit = constOf(a.Consts[i])
		}
	}
	if _, ok := fn.LookupAgg(a.Func); !ok {
		a.Retract = retract
		return nil // a function of Over alone
	}
	call, err := fn.BindAgg(a.Func, args, a.Distinct, retract)
	a.resolved, a.Retract = call, retract
	return err
}
