package exec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"unicode/utf8"

	"weir/connectors"
	"weir/exec/op"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

const (
	keptPerSecond   = 10000 // that a task keeps at most, where the job says nothing else
	loggedPerSecond = 5     // that a task logs at most
	reasonLate      = "late"
	reasonUnstored  = "not stored"
)

// policy is what a table wants of its bad records and late rows.
type policy struct {
	table  [3]string
	common connectors.Common
	// The tables that take them; nil: the job's log does.
	errors, late *planner.RejectTarget
}

func scanPolicy(n *planner.Scan) *policy {
	if n.Table == nil {
		return &policy{}
	}
	return &policy{table: n.Table.Path, common: n.Common, errors: n.ErrorTarget, late: n.LateTarget}
}

func sinkPolicy(n *planner.Sink) *policy {
	return &policy{table: n.Table.Path, common: n.Common, errors: n.ErrorTarget}
}

// fails: a bad record fails the job.
func (p *policy) fails() bool {
	return p == nil || p.common.ErrorMode != "ignore" && p.common.ErrorMode != "log"
}

// keepsLate: late rows are kept.
func (p *policy) keepsLate() bool { return p != nil && p.common.LateMode == "log" }

// upstream is the policy for rows of an input: that of the first table they come from which has one.
func upstream(n planner.Node, has func(*policy) bool) *policy {
	if scan, ok := n.(*planner.Scan); ok {
		if p := scanPolicy(scan); has(p) {
			return p
		}
		return nil
	}
	for _, in := range n.Inputs() {
		if p := upstream(in, has); p != nil {
			return p
		}
	}
	return nil
}

// rejecter is what a task does with what it rejects. It keeps at most Options.RejectsPerSecond.
type rejecter struct {
	writer  connectors.RejectWriter // nil: nothing was kept yet
	targets []*rejectTarget
	dirty   bool
	err     error // of keeping a late row
	kept    limiter
	logged  limiter
	silent  int64 // not logged since the last that was
}

// rejectTarget is a table that takes what is rejected.
type rejectTarget struct {
	of   *planner.RejectTarget
	link *sinkLink
	list []*connectors.Rejected
}

// limiter lets so many through in each second.
type limiter struct {
	second int64
	n      int
}

func (l *limiter) allow(now int64, most int) bool {
	if s := now / 1e6; s != l.second {
		l.second, l.n = s, 0
	}
	l.n++
	return l.n <= most
}

// reject deals with a bad record or row as its table wants: the error is the job's, or nil. fill, called where
// it is kept, adds what is known of it.
func (t *task) reject(p *policy, s *nodeStats, reason string, cause error, fill func(*connectors.Rejected)) error {
	if p.fails() {
		return cause
	}
	s.rejected.Add(1)
	s.reasons.add(reason, 1)
	if p.common.ErrorMode == "ignore" {
		return nil
	}
	return t.keep(p.errors, s, &connectors.Rejected{Table: p.table, Reason: reason, Message: cause.Error(), EventTime: types.MinTime, Watermark: types.MinTime}, fill)
}

// dropLate keeps a late row, where its table wants that. The operator has counted it.
func (t *task) dropLate(p *policy, s *nodeStats, fill func(*connectors.Rejected)) error {
	if !p.keepsLate() {
		return nil
	}
	return t.keep(p.late, s, &connectors.Rejected{Late: true, Table: p.table, EventTime: types.MinTime, Watermark: types.MinTime}, fill)
}

func (t *task) keep(to *planner.RejectTarget, s *nodeStats, r *connectors.Rejected, fill func(*connectors.Rejected)) error {
	x := &t.rejects
	most := t.run.opts.RejectsPerSecond
	if most == 0 {
		most = keptPerSecond
	}
	if !x.kept.allow(t.now, most) {
		s.reasons.add(reasonUnstored, 1)
		return nil
	}
	r.Micros, r.Job, r.Operator, r.WindowStart, r.WindowEnd = t.now, t.run.env.JobID, s.name, types.MinTime, types.MinTime
	fill(r)
	r.Size = int64(len(r.Record))
	if r.Record != nil {
		r.Record = append([]byte{}, r.Record[:min(len(r.Record), connectors.MaxRejectedBytes)]...)
	}
	r.Row, r.Message = cutText(r.Row), cutText(r.Message)
	t.logRejected(r)
	if to != nil {
		for _, target := range x.targets {
			if target.of.Table.Path == to.Table.Path && target.of.Late == to.Late {
				target.list = append(target.list, r)
				x.dirty = true
				return nil
			}
		}
		panic("no sink for rejected rows of " + r.Table[2])
	}
	if t.run.opts.Rejects == nil {
		return nil
	}
	if x.writer == nil {
		x.writer = t.run.opts.Rejects.Writer(t.name, max(t.acked, t.run.restored))
	}
	x.dirty = true
	return x.writer.Put(r)
}

// cutText bounds a text.
func cutText(s string) string {
	if len(s) <= connectors.MaxRejectedBytes {
		return s
	}
	n := connectors.MaxRejectedBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (t *task) logRejected(r *connectors.Rejected) {
	x := &t.rejects
	if t.run.opts.Rejected != nil && !r.Late {
		t.run.opts.Rejected(r.Table[2], r.Message, r.Record)
	}
	if !x.logged.allow(t.now, loggedPerSecond) {
		x.silent++
		return
	}
	text := "record rejected"
	if r.Late {
		text = "late row"
	}
	attrs := []slog.Attr{slog.String("table", r.Table[2]), slog.String("operator", r.Operator)}
	for _, a := range [][2]string{{"reason", r.Reason}, {"error", r.Message}, {"split", r.Split}, {"sequence", r.Sequence}} {
		if a[1] != "" {
			attrs = append(attrs, slog.String(a[0], a[1]))
		}
	}
	if x.silent > 0 {
		attrs = append(attrs, slog.Int64("notLogged", x.silent))
		x.silent = 0
	}
	t.run.env.Logger.LogAttrs(context.Background(), slog.LevelWarn, text, attrs...)
}

// showRejected hands what the last event rejected to those who read it.
func (t *task) showRejected() error {
	x := &t.rejects
	if !x.dirty || x.err != nil {
		return x.err
	}
	x.dirty = false
	for _, target := range x.targets {
		if len(target.list) == 0 {
			continue
		}
		list := target.list
		target.list = nil
		b := vec.New(target.of.Columns.Arrow(), connectors.RejectedRows(list, target.of.Columns), len(list), nil)
		if err := target.link.process(0, b); err != nil {
			return err
		}
	}
	if x.writer == nil {
		return nil
	}
	return x.writer.Show()
}

// flushRejected makes what was rejected durable, before the task gives its part of a checkpoint: the checkpoint
// passes a bad record only once it is kept.
func (t *task) flushRejected(id int64) error {
	if err := t.showRejected(); err != nil {
		return err
	}
	for _, target := range t.rejects.targets {
		if err := target.link.barrier(id); err != nil {
			return err
		}
	}
	if t.rejects.writer == nil {
		return nil
	}
	return t.rejects.writer.Flush(id)
}

// closeRejected gives the writer back.
func (t *task) closeRejected() error {
	if t.rejects.writer == nil {
		return nil
	}
	return t.rejects.writer.Close()
}

// addTargets opens the sinks of the tables that a policy names, once a task.
func (a *assembly) addTargets(s *stage, i int, p *policy) error {
	if p == nil {
		return nil
	}
	t := s.tasks[i]
	for _, of := range []*planner.RejectTarget{p.errors, p.late} {
		if of == nil || t.hasTarget(of) {
			continue
		}
		writes, ok := of.Config.(connectors.Writes)
		if !ok {
			return fmt.Errorf("table %q cannot be written", of.Table.Path[2])
		}
		env := *a.run.env
		env.JobID += "/rejected-" + s.name // what it stages is apart from what other sinks of the table do
		sink, err := writes.Sink(of.Table.Desc, &env, i, s.parallelism)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("rejected rows into %q", of.Table.Path[2])
		l := &sinkLink{t: t, id: fmt.Sprintf("Rejected-%s-%s", s.name, of.Table.Path[2]), name: name, out: of.Columns, sink: sink, tickAt: never, stats: newNodeStats("", name, i)}
		l.linger, _ = sink.(connectors.Lingerer)
		t.sinks = append(t.sinks, l)
		t.rejects.targets = append(t.rejects.targets, &rejectTarget{of: of, link: l})
	}
	return nil
}

// rejectReason is why a node's operator rejects rows; "": it never does.
func rejectReason(n planner.Node) string {
	switch n := n.(type) {
	case *planner.Calc, *planner.FromChangelog:
		return connectors.RejectExpression
	case *planner.LookupJoin:
		if n.Ask != nil && n.Ask.OnError == "log" {
			return connectors.RejectLookup
		}
	}
	return ""
}

// addRejects lets an operator hand over rows that it cannot work on, or that come too late.
func (a *assembly) addRejects(s *stage, i int, n planner.Node, l *opLink) error {
	t := s.tasks[i]
	if reason := rejectReason(n); reason != "" {
		p := upstream(n, func(p *policy) bool { return !p.fails() })
		if err := a.addTargets(s, i, p); err != nil {
			return err
		}
		if p != nil {
			in := n.Inputs()[0].Info().Out
			l.ctx.Reject = func(b *vec.Batch, row int, cause error) error {
				return t.reject(p, l.stats, reason, cause, func(r *connectors.Rejected) {
					r.Row, r.EventTime = rowText(in, b, row), rowTime(in, b, row)
				})
			}
		}
	}
	var late []*policy // of each input
	for _, in := range n.Inputs() {
		p := upstream(in, (*policy).keepsLate)
		if err := a.addTargets(s, i, p); err != nil {
			return err
		}
		late = append(late, p)
	}
	l.ctx.LateRow = func(r op.Late) {
		p := late[r.Port]
		err := t.dropLate(p, l.stats, func(x *connectors.Rejected) {
			x.Row = rowText(n.Inputs()[r.Port].Info().Out, r.Batch, r.Row)
			x.EventTime, x.Watermark, x.WindowStart, x.WindowEnd = r.Time, l.in, r.Start, r.End
		})
		if err != nil && t.rejects.err == nil {
			t.rejects.err = err // told at the end of the event
		}
	}
	for _, p := range late {
		if p != nil {
			return nil
		}
	}
	l.ctx.LateRow = nil
	return nil
}

func (t *task) hasTarget(of *planner.RejectTarget) bool {
	for _, x := range t.rejects.targets {
		if x.of.Table.Path == of.Table.Path && x.of.Late == of.Late {
			return true
		}
	}
	return false
}

// rowAt is the row of a batch that an error is of; -1 where none is.
func rowAt(err error, n int) int {
	var re *fn.RowError
	if errors.As(err, &re) && re.Row >= 0 && re.Row < n {
		return re.Row
	}
	return -1
}

// rowTime is the event time of a row, types.MinTime where it has none.
func rowTime(out types.Schema, b *vec.Batch, row int) types.Time {
	for i, c := range out {
		if c.TimeAttr == types.RowTime && c.Type.Prec <= 6 && i < len(b.Rows.Columns()) && b.Col(i).IsValid(row) {
			return types.FromMicros(vec.Values[int64](b.Col(i))[row])
		}
	}
	return types.MinTime
}

// rowText spells a row as JSON.
func rowText(out types.Schema, b *vec.Batch, row int) string {
	text := []byte{'{'}
	for i, c := range out {
		if i > 0 {
			text = append(text, ',')
		}
		text = fn.AppendJSONString(text, c.Name)
		text = append(text, ':')
		text = fn.AppendJSON(text, c.Type, b.Col(i), row)
		if len(text) > connectors.MaxRejectedBytes {
			break
		}
	}
	return string(append(text, '}'))
}

// reasonBoard counts what was rejected, by reason.
type reasonBoard struct {
	mu sync.Mutex
	n  map[string]int64
}

func (r *reasonBoard) add(reason string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == nil {
		r.n = map[string]int64{}
	}
	r.n[reason] += n
}

func (r *reasonBoard) read() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.n) == 0 {
		return nil
	}
	out := make(map[string]int64, len(r.n))
	for k, v := range r.n {
		out[k] = v
	}
	return out
}
