package exec

import (
	"context"
	"fmt"
	"strings"

	"weir/connectors"
	"weir/exec/checkpoint"
	"weir/exec/expr"
	"weir/exec/op"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// union passes rows of all its ports on; its task merges their watermarks.
type union struct{ op.Base }

// Process passes the batch on.
func (union) Process(_ int, b *vec.Batch, out op.Emitter) error { return out.Emit(b) }

// assembly makes the tasks of a plan, ready to run.
type assembly struct {
	run   *runtime
	graph *graph
	ctx   context.Context
	tasks []*task
	stats []*nodeStats
	// operators is what the plan keeps in checkpoints.
	operators []checkpoint.Operator
	lost      map[string]bool // operators whose state in the checkpoint is left out, by ID
	scans     []*board        // to watch for new splits
	single    bool            // run by the simulator: edges never wait
	// lookups are the tables that lookup joins hold, shared by an operator's instances.
	lookups map[*planner.LookupJoin]*cachedTable
	askers  map[*planner.LookupJoin]*asker
}

// assemble cuts the plan and makes its tasks, restored from the checkpoint where there is one. On an error what
// was opened is closed.
func assemble(ctx context.Context, run *runtime, p *planner.Plan, from *checkpoint.Checkpoint) (*assembly, error) {
	a := &assembly{run: run, graph: newGraph(p), ctx: ctx, single: run.single}
	if err := a.build(from); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *assembly) build(from *checkpoint.Checkpoint) (err error) {
	if a.run.opts.Checkpoints != nil || from != nil {
		if a.operators, err = a.describe(); err != nil {
			return err
		}
		if a.lost, err = a.fits(from); err != nil {
			return err
		}
	}
	if err := a.run.clearWork(); err != nil {
		return err
	}
	if from != nil {
		a.run.restored = from.ID
	}
	if log := a.run.opts.Rejects; log != nil {
		if err := log.Begin(a.run.restored); err != nil {
			return err
		}
	}
	for _, s := range a.graph.stages {
		for i := range s.parallelism {
			t := &task{name: fmt.Sprintf("%s/%d", s.name, i), instance: i, run: a.run, ctx: a.ctx, in: newInbox(), wm: types.MinTime}
			s.tasks = append(s.tasks, t)
			a.tasks = append(a.tasks, t)
		}
	}
	for _, s := range a.graph.stages {
		if err := a.buildStage(s, from); err != nil {
			return err
		}
	}
	a.takeTurns()
	for _, t := range a.tasks {
		for _, l := range t.ops {
			t.at = l.name
			l.opened = true
			if err := l.op.Open(l.ctx); err != nil {
				return t.blame(err)
			}
			l.tick, _ = l.op.(op.Ticker)
		}
	}
	if err := a.refill(from); err != nil {
		return err
	}
	return a.recommit(from)
}

// settle starts what needs no waiting: operators, and source instances that have no split, whose end is carried
// through before any row moves. So a bounded source with fewer splits than instances gives the same
// watermarks at every parallelism.
func (a *assembly) settle() error {
	for _, t := range a.tasks {
		if t.src != nil && !(t.restoredEnd || t.src.src.Bounded() && t.src.board.empty(t.instance)) {
			continue
		}
		if err := t.start(); err != nil {
			return err
		}
		for t.src == nil {
			e, ok := t.next()
			if !ok {
				break
			}
			if err := t.handle(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *assembly) close() {
	for _, t := range a.tasks {
		_ = t.close() // the error that stopped the job is the one to show
	}
	for _, k := range a.askers {
		_ = k.lookup.Close()
	}
}

func (a *assembly) buildStage(s *stage, from *checkpoint.Checkpoint) error {
	for i, t := range s.tasks {
		store, err := a.run.newStore(t.name)
		if err != nil {
			return err
		}
		t.store = store
		if err := a.restore(s, i, from); err != nil {
			return fmt.Errorf("restore of %s: %w", t.name, err)
		}
	}
	switch n := s.head.(type) {
	case *planner.Scan, *planner.Values:
		return a.buildSource(s, n, from)
	}
	for i, t := range s.tasks {
		l, err := a.buildLink(s, i, s.head)
		if err != nil {
			return err
		}
		t.head, t.headID = l, s.head.Info().ID
	}
	return nil
}

// recommitSink hands sink k of a stage all the tokens that its instances had staged.
func (a *assembly) recommitSink(s *stage, k int, tokens [][]byte) error {
	first := s.tasks[0].sinks[k]
	s.tasks[0].at = first.name
	if r, ok := first.sink.(connectors.Restorer); ok {
		return r.Restore(a.ctx, tokens)
	}
	for i, token := range tokens {
		if err := s.tasks[i%s.parallelism].sinks[k].sink.Commit(a.ctx, token); err != nil {
			return err
		}
	}
	return nil
}

// buildLink makes the link of a node and of all that is chained behind it.
func (a *assembly) buildLink(s *stage, i int, n planner.Node) (link, error) {
	t := s.tasks[i]
	stats := a.count(n, i)
	switch n := n.(type) {
	case *planner.Sink:
		return a.buildSink(s, i, n, stats)
	case *planner.Collect:
		sink := a.run.collect(n, t)
		l := &sinkLink{t: t, id: n.Info().ID, name: stats.name, sink: sink, tickAt: never, stats: stats,
			out: n.Info().Out, notNull: notNull(n.Info().Out), drop: a.graph.settings.NotNullDrop}
		t.sinks = append(t.sinks, l)
		return l, nil
	}
	operator, err := a.newOperator(n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", stats.name, err)
	}
	if join, ok := n.(*planner.LookupJoin); ok {
		stats.lookup.table = a.lookups[join]
	}
	l := &opLink{t: t, name: stats.name, op: operator, fn: a.fnCtx(), in: types.MinTime, wm: types.MinTime, stats: stats}
	l.ctx = &op.Context{
		ID: n.Info().ID, Instance: i, Parallelism: s.parallelism, State: state.New(t.store, n.Info().ID),
		Fn: l.fn, Budget: a.run.budget(stats.name, &stats.overBudget), Metrics: &op.Metrics{}, Unkept: a.run.unkept, Interrupted: func() bool { return a.ctx.Err() != nil },
	}
	if err := a.addRejects(s, i, n, l); err != nil {
		return nil, fmt.Errorf("%s: %w", stats.name, err)
	}
	l.async, _ = operator.(op.Async)
	if j, ok := n.(*planner.LookupJoin); ok && a.askers[j] != nil {
		if w, ok := a.askers[j].lookup.(connectors.Waiting); ok {
			stats.asks.status = w.Status
		}
	}
	l.ctx.Ask = func(id uint64, request func(context.Context) (*vec.Batch, error)) {
		stats.asks.begin(id, a.run.env.Now())
		a.run.ask(func() {
			b, err := request(a.ctx)
			stats.asks.end(id)
			t.in.push(event{kind: answerEvent, reply: &reply{l, id, b, err}})
		})
	}
	t.ops = append(t.ops, l)
	l.next, err = a.behind(s, i, n)
	return l, err
}

// behind makes the links behind a node: what is chained to it, and outputs to other stages.
func (a *assembly) behind(s *stage, i int, n planner.Node) (fanout, error) {
	var out fanout
	for _, c := range a.graph.consumers[n] {
		if x, ok := c.node.(*planner.Exchange); ok {
			for _, to := range a.graph.consumers[x] {
				out = append(out, a.connect(s, i, x, to))
			}
			continue
		}
		if to := a.graph.of[c.node]; to != s || to.head == c.node {
			out = append(out, a.connect(s, i, nil, c))
			continue
		}
		l, err := a.buildLink(s, i, c.node)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// connect joins instance i of a stage to the tasks of a consumer's stage.
func (a *assembly) connect(s *stage, i int, x *planner.Exchange, to consumer) link {
	target := a.graph.of[to.node]
	tasks := target.tasks
	if x == nil && target.parallelism == s.parallelism {
		tasks = tasks[i : i+1]
	}
	edges := make([]*edge, len(tasks))
	for j, t := range tasks {
		edges[j] = newEdge(t, len(t.ports), a.single)
		t.ports = append(t.ports, port{from: edges[j], logical: to.port, wm: types.MinTime})
		t.live++
	}
	var keys []int
	var schema types.Schema
	if x != nil && x.Dist.Kind == planner.DistHash {
		keys, schema = x.Dist.Keys, x.Input.Info().Out
	}
	o := newOutput(s.tasks[i], edges, keys, schema)
	s.tasks[i].outs = append(s.tasks[i].outs, o)
	return o
}

func (a *assembly) buildSink(s *stage, i int, n *planner.Sink, stats *nodeStats) (link, error) {
	t := s.tasks[i]
	writes, ok := n.Config.(connectors.Writes)
	if !ok {
		return nil, fmt.Errorf("table %q cannot be written", n.Table.Path[2])
	}
	if o, ok := n.Config.(connectors.Overwriter); ok && n.Overwrite && i == 0 {
		o.Overwrite()
	}
	env := *a.run.env
	env.Operator = n.Info().ID
	sink, err := writes.Sink(n.Table.Desc, &env, i, s.parallelism)
	if err != nil {
		return nil, err
	}
	l := &sinkLink{t: t, id: n.Info().ID, name: stats.name, node: n, out: n.Input.Info().Out, notNull: n.NotNull, drop: a.graph.settings.NotNullDrop, sink: sink, tickAt: never, stats: stats, policy: sinkPolicy(n)}
	if l.refuser, _ = sink.(connectors.Refuser); l.refuser != nil && !l.policy.fails() {
		l.refuser.Tolerate()
	} else {
		l.refuser = nil
	}
	if err := a.addTargets(s, i, l.policy); err != nil {
		return nil, err
	}
	l.linger, _ = sink.(connectors.Lingerer)
	if len(n.Narrow) > 0 {
		schema := append(types.Schema(nil), n.Input.Info().Out...)
		for _, c := range n.Narrow {
			schema[c.Column].Type = c.To
		}
		l.schema = schema.Arrow()
	}
	t.sinks = append(t.sinks, l)
	return l, nil
}

// newOperator makes a node's operator; a lookup join also gets its table.
func (a *assembly) newOperator(n planner.Node) (op.Operator, error) {
	if n, ok := n.(*planner.LookupJoin); ok {
		if n.Ask == nil {
			return op.NewLookupJoin(n, a.lookupTable(n))
		}
		asker, err := a.askerOf(n)
		if err != nil {
			return nil, err
		}
		return op.NewAskJoin(n, asker)
	}
	return a.run.operator(n, a.graph.settings)
}

// buildSource makes the source tasks of a Scan, or of literal rows.
func (a *assembly) buildSource(s *stage, n planner.Node, from *checkpoint.Checkpoint) error {
	scan, src, err := a.openSource(n)
	if err != nil {
		return err
	}
	s.board = newBoard(src, s.parallelism)
	var splits []checkpoint.Split
	var limited int64
	for _, part := range a.headParts(s, from) {
		splits = append(splits, part.Splits...)
		limited = max(limited, part.Read)
	}
	s.board.restore(splits)
	if err := s.board.list(a.ctx); err != nil {
		return fmt.Errorf("%s: %w", nodeName(n), err)
	}
	a.scans = append(a.scans, s.board)
	for i, t := range s.tasks {
		h := &source{
			t: t, scan: scan, src: src, board: s.board, fn: a.fnCtx(), stats: a.count(n, i), read: limited,
			sequential: !src.PerSplitWatermarks(), batchRows: a.graph.settings.BatchRows, out: scan.Out.Arrow(),
		}
		h.policy = scanPolicy(scan)
		if err := a.addTargets(s, i, h.policy); err != nil {
			return fmt.Errorf("%s: %w", nodeName(n), err)
		}
		t.src = h
		if err := a.fillSource(h); err != nil {
			return fmt.Errorf("%s: %w", nodeName(n), err)
		}
		if h.next, err = a.behind(s, i, n); err != nil {
			return err
		}
		s.board.tell = append(s.board.tell, t.in)
	}
	return nil
}

func (a *assembly) openSource(n planner.Node) (*planner.Scan, connectors.Source, error) {
	if v, ok := n.(*planner.Values); ok {
		src, err := newValues(v, a.fnCtx())
		return &planner.Scan{Base: v.Base, Columns: v.Out}, src, err
	}
	scan := n.(*planner.Scan)
	reads, ok := scan.Config.(connectors.Reads)
	if !ok {
		return nil, nil, fmt.Errorf("table %q cannot be read", scan.Table.Path[2])
	}
	want := connectors.Scan{Columns: scan.Columns, Metadata: scan.Meta, Limit: scan.Limit}
	src, err := reads.Source(scan.Table.Desc, want, a.run.env)
	return scan, src, err
}

// fillSource compiles a scan's expressions and sets its event time up.
func (a *assembly) fillSource(h *source) (err error) {
	if h.batchRows <= 0 {
		h.batchRows = defaultBatchRows
	}
	h.reading, h.stopReader = context.WithCancel(a.ctx)
	if h.dec, err = h.src.Decoder(); err != nil {
		return err
	}
	scan := h.scan
	raw := append(types.Schema(nil), scan.Columns...)
	for i, key := range scan.Meta {
		raw = append(raw, types.Column{Name: key, Type: metaType(scan, i, key)})
	}
	h.raw, h.rawColumns = raw.Arrow(), raw
	if scan.Exprs != nil {
		if h.exprs, err = expr.CompileAll(scan.Exprs); err != nil {
			return err
		}
	}
	m := &h.marks
	m.floor, m.merged = types.MinTime, h.t.wm
	if h.sequential {
		m.floor = 0 // Flink's assigner behind a file source begins at 0 and passes on only what is above
	}
	if scan.Watermark == nil {
		return nil
	}
	m.on, m.gap, m.skew, m.drift = true, a.graph.settings.WatermarkGap.Milliseconds(), scan.Common.MaxFutureSkew, scan.Common.MaxDrift
	if m.timeout = scan.Common.IdleTimeout; m.timeout == 0 {
		m.timeout = a.graph.settings.IdleTimeout
	}
	if m.follow = scan.Common.IdleAdvance; m.follow == 0 {
		m.follow = a.graph.settings.IdleAdvance
	}
	if scan.Common.AlignmentGroup != "" {
		m.group = a.run.alignment(scan.Common.AlignmentGroup)
	}
	h.wmExpr, err = expr.Compile(scan.Watermark.Expr)
	return err
}

// metaType is the type of a wanted metadata column: what the connector says it gives.
func metaType(scan *planner.Scan, i int, key string) types.Type {
	if reads, ok := scan.Config.(interface {
		Metadata() []connectors.MetadataKey
	}); ok {
		for _, m := range reads.Metadata() {
			if m.Key == key {
				return m.Type
			}
		}
	}
	return scan.Out[len(scan.Columns)+i].Type
}

func (a *assembly) fnCtx() *fn.Ctx {
	s := a.graph.settings
	return &fn.Ctx{
		Zone: s.Zone, QueryMicros: a.run.began, NowMicros: a.run.began, Streaming: !s.Batch,
		Watermark: types.MinTime, Random: a.run.env.Random, Database: s.Database,
	}
}

func (a *assembly) count(n planner.Node, instance int) *nodeStats {
	s := newNodeStats(n.Info().ID, nodeName(n), instance)
	a.stats = append(a.stats, s)
	return s
}

// nodeName names a node in messages: its kind, and its table where it has one.
func nodeName(n planner.Node) string {
	switch n := n.(type) {
	case *planner.Scan:
		return fmt.Sprintf("source %q", n.Table.Path[2])
	case *planner.Sink:
		return fmt.Sprintf("sink %q", n.Table.Path[2])
	}
	kind := strings.TrimPrefix(fmt.Sprintf("%T", n), "*planner.")
	if id := n.Info().ID; id != "" && id != kind {
		return fmt.Sprintf("%s %q", kind, id)
	}
	return kind
}
