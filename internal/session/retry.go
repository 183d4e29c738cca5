package session

import (
	"context"
	"fmt"
	"math"
	"sync"

	"weir/connectors"
	"weir/connectors/rejects"
	"weir/exec"
	"weir/exec/job"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/vec"
)

// retry runs RETRY FROM t$errors: an INSERT that reads t, with the records that t rejected as its records, decoded as
// t is declared now. Those that are good are taken out of t$errors once the INSERT has ended; a crash before that
// leaves them there. Those that are bad again stay.
func (s *Session) retry(ctx context.Context, src string, st *ast.Retry) (*Result, error) {
	path, base, err := s.retryTable(st)
	if err != nil {
		return nil, err
	}
	list, left, err := s.retried(ctx, src, st, path, base)
	if err != nil {
		return nil, err
	}
	plan, err := s.retryPlan(st, base)
	if err != nil {
		return nil, err
	}
	found := false
	walkPlan(plan.Roots, map[planner.Node]bool{}, func(n planner.Node) {
		scan, ok := n.(*planner.Scan)
		if !ok || scan.Table.Path != base {
			return
		}
		found = true
		if reads, ok := scan.Config.(connectors.Reads); ok {
			scan.Config = rejects.Replay(reads, list)
			scan.Common.ErrorMode, scan.ErrorTarget, scan.Limit = "log", nil, 0
		}
	})
	if !found {
		return nil, sql.Errorf(st.Insert, "the INSERT does not read %q, whose records are to be taken up", base[2])
	}
	if len(list) == 0 {
		return &Result{Kind: Done, Message: retryMessage(0, 0, left)}, nil
	}
	again, err := s.runRetry(ctx, plan, base)
	if err != nil {
		return nil, err
	}
	var good []string
	for _, r := range list {
		if !again[r.ID] {
			good = append(good, r.ID)
		}
	}
	if err := s.rejects.Remove(base, false, good); err != nil {
		return nil, err
	}
	return &Result{Kind: Done, Message: retryMessage(len(good), len(list)-len(good), left)}, nil
}

func retryMessage(good, bad, left int) string {
	text := fmt.Sprintf("%d records were taken up, %d were rejected again.", good, bad)
	if left > 0 {
		text += fmt.Sprintf(" %d were left: they are rows, or only the beginning of a record was kept.", left)
	}
	return text
}

// retryTable is the table that a statement names, and the one whose rejected records it has.
func (s *Session) retryTable(st *ast.Retry) (path, base [3]string, err error) {
	t, err := s.plan.Catalog.Table(st.From)
	if err != nil {
		return path, base, err
	}
	name, late, ok := planner.RejectsOf(t.Path[2])
	if !ok || t.Options["connector"] != planner.RejectsConnector {
		return path, base, sql.Errorf(st.From, "%q is no table of rejected records", st.From.String()).WithHint("RETRY FROM `%s`", t.Path[2]+planner.ErrorsSuffix)
	}
	if late {
		return path, base, sql.Errorf(st.From, "late rows cannot be taken up again: they would be late again").
			WithHint("read them with INSERT INTO ... SELECT ... FROM `%s`", t.Path[2])
	}
	return t.Path, [3]string{t.Path[0], t.Path[1], name}, nil
}

// retried gives the records that the condition chooses, and how many cannot be taken up.
func (s *Session) retried(ctx context.Context, src string, st *ast.Retry, path, base [3]string) (list []*connectors.Rejected, left int, err error) {
	query := fmt.Sprintf("SELECT id FROM %s.%s.%s /*+ OPTIONS('scan.bounded.mode' = 'latest') */", backquote(path[0]), backquote(path[1]), backquote(path[2]))
	if st.Where != nil {
		query += " WHERE " + cut(src, st.Where)
	}
	q, err := ParseOne(query)
	if err != nil {
		return nil, 0, err
	}
	res, err := s.query(q.(*ast.QueryStatement).Query)
	if err != nil {
		return nil, 0, locate(err, query)
	}
	var ids []string
	run, err := res.Stream(ctx, func(b *vec.Batch) error {
		text := vec.TextOf(vec.ColVec(b.Col(0)))
		for i := range b.Len() {
			ids = append(ids, text.String(i))
		}
		return nil
	})
	if err == nil {
		err = run.Wait()
	}
	if err != nil {
		return nil, 0, err
	}
	all, err := s.rejects.Get(base, false, ids)
	for _, r := range all {
		if r.Record == nil || r.Size > int64(len(r.Record)) {
			left++
			continue
		}
		list = append(list, r)
	}
	return list, left, err
}

// retryPlan plans the INSERT.
func (s *Session) retryPlan(st *ast.Retry, base [3]string) (*planner.Plan, error) {
	if st.Insert != nil {
		return s.plan.PlanInsert(st.Insert)
	}
	text := fmt.Sprintf("INSERT INTO %s SELECT * FROM %s.%s.%s", st.Into.String(), backquote(base[0]), backquote(base[1]), backquote(base[2]))
	if target, err := s.plan.Catalog.Table(st.Into); err == nil {
		text = fmt.Sprintf("INSERT INTO %s.%s.%s SELECT * FROM %s.%s.%s", backquote(target.Path[0]), backquote(target.Path[1]), backquote(target.Path[2]),
			backquote(base[0]), backquote(base[1]), backquote(base[2]))
	}
	stmt, err := ParseOne(text)
	if err != nil {
		return nil, err
	}
	plan, err := s.plan.PlanInsert(stmt.(*ast.Insert))
	return plan, locate(err, text)
}

// runRetry runs the plan to its end, and gives the ids of the records that were rejected again.
func (s *Session) runRetry(ctx context.Context, plan *planner.Plan, base [3]string) (map[string]bool, error) {
	o := s.execOptions(nil)
	o.Env.JobID = job.NewID()
	log := &retryLog{RejectLog: s.rejects.Job(o.Env.JobID), base: base, again: map[string]bool{}}
	o.Rejects, o.RejectsPerSecond = log, math.MaxInt // what were not noted as rejected would be lost
	run, err := exec.Run(ctx, plan, o)
	if err == nil {
		err = run.Wait()
	}
	return log.again, err
}

// retryLog keeps what a RETRY rejects, but for records that are in the table already.
type retryLog struct {
	connectors.RejectLog
	base  [3]string
	mu    sync.Mutex
	again map[string]bool
}

// Writer implements connectors.RejectLog.
func (l *retryLog) Writer(task string, checkpoint int64) connectors.RejectWriter {
	return &retryWriter{l.RejectLog.Writer(task, checkpoint), l}
}

type retryWriter struct {
	connectors.RejectWriter
	l *retryLog
}

// Put implements connectors.RejectWriter.
func (w *retryWriter) Put(r *connectors.Rejected) error {
	if r.Table != w.l.base || r.Split != rejects.ReplaySplit {
		return w.RejectWriter.Put(r)
	}
	w.l.mu.Lock()
	w.l.again[r.Sequence] = true
	w.l.mu.Unlock()
	return nil
}

// walkPlan visits each node once.
func walkPlan(nodes []planner.Node, seen map[planner.Node]bool, visit func(planner.Node)) {
	for _, n := range nodes {
		if !seen[n] {
			seen[n] = true
			visit(n)
			walkPlan(n.Inputs(), seen, visit)
		}
	}
}

// rejectTables lists the tables of rejected rows of a database's tables that keep them there.
func (s *Session) rejectTables(catalog, db string) (out []string) {
	for _, name := range s.plan.Catalog.Tables(catalog, db) {
		t, _ := s.plan.Catalog.Lookup([3]string{catalog, db, name})
		if t == nil {
			continue
		}
		if t.Options["error-handling.mode"] == "log" && t.Options["error-handling.log.target"] == "" {
			out = append(out, name+planner.ErrorsSuffix)
		}
		if t.Options["late-handling.mode"] == "log" && t.Options["late-handling.log.target"] == "" {
			out = append(out, name+planner.LateSuffix)
		}
	}
	return out
}
