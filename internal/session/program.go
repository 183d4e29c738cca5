package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"weir/exec"
	"weir/exec/checkpoint"
	"weir/exec/job"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
)

// program makes what a job needs to be planned anywhere: its statement, what makes the tables and views
// that it uses, and the settings.
func (s *Session) program(text string, stmt ast.Statement) job.Program {
	c := s.plan.Catalog
	d := &definitions{cat: c, seen: map[[3]string]bool{}, models: map[[3]string]bool{}}
	d.database(c.Current)
	d.uses(stmt)
	return job.Program{Statement: text, Definitions: append(d.databases, d.objects...), Settings: maps.Clone(map[string]string(s.conf)),
		Catalog: c.Current[0], Database: c.Current[1]}
}

// definitions collects the statements that make what a statement uses, each behind what it needs itself.
type definitions struct {
	cat       *planner.Catalog
	seen      map[[3]string]bool
	models    map[[3]string]bool
	masked    bool // secrets are left out
	databases []string
	objects   []string
}

// uses adds what the names in a statement may mean. A name of something else that happens to be a table's adds a
// table too many, which does no harm.
func (d *definitions) uses(stmt ast.Node) {
	ast.Walk(stmt, func(n ast.Node) bool {
		if name, ok := n.(*ast.Name); ok {
			if path, err := d.cat.Path(name); err == nil {
				d.object(path)
			}
		}
		return true
	})
}

func (d *definitions) object(path [3]string) {
	if m := d.cat.ModelAt(path); m != nil && !d.models[path] {
		d.models[path] = true
		d.database([2]string{path[0], path[1]})
		d.objects = append(d.objects, strings.TrimSpace(planner.ModelDDL(m, !d.masked)))
	}
	table, view := d.cat.Lookup(path)
	if table == nil && view == nil || d.seen[path] {
		return
	}
	d.seen[path] = true
	if table != nil && table.Options["connector"] == planner.LedgerConnector {
		return // it is always there
	}
	d.database([2]string{path[0], path[1]})
	if name, _, ok := planner.RejectsOf(path[2]); ok && table != nil && table.Options["connector"] == planner.RejectsConnector {
		d.object([3]string{path[0], path[1], name}) // it is there with its table
		return
	}
	if table != nil {
		for _, target := range d.cat.RejectTargets(table) {
			d.object(target)
		}
		d.objects = append(d.objects, strings.TrimSpace(planner.DDL(table, !d.masked)))
		return
	}
	text := strings.TrimSpace(planner.ViewDDL(view))
	if stmts, err := sql.Parse(text); err == nil {
		for _, st := range stmts {
			d.uses(st)
		}
	}
	d.objects = append(d.objects, text)
}

func (d *definitions) database(db [2]string) {
	key := [3]string{db[0], db[1]}
	if d.seen[key] {
		return
	}
	d.seen[key] = true
	if db[0] != planner.DefaultCatalog {
		d.databases = append(d.databases, "CREATE CATALOG IF NOT EXISTS "+backquote(db[0]))
	}
	if db != [2]string{planner.DefaultCatalog, planner.DefaultDatabase} {
		d.databases = append(d.databases, "CREATE DATABASE IF NOT EXISTS "+backquote(db[0])+"."+backquote(db[1]))
	}
}

// openProgram opens a session that holds a program's tables, and plans its statement.
func openProgram(o Options, p job.Program) (*Session, ast.Statement, error) {
	o.Ephemeral, o.ofJob, o.Settings = true, true, p.Settings
	s, err := Open(o)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range p.Definitions {
		if err := run(s, text); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("a table of the job: %w", HideSecrets(err)), s.Close())
		}
	}
	if p.Catalog != "" {
		s.plan.Catalog.Current = [2]string{p.Catalog, p.Database}
		s.settle()
	}
	stmts, err := sql.Parse(p.Statement)
	if err == nil && len(stmts) != 1 {
		err = fmt.Errorf("a job is one statement, not %d", len(stmts))
	}
	if err != nil {
		return nil, nil, errors.Join(HideSecrets(locate(err, p.Statement)), s.Close())
	}
	return s, stmts[0], nil
}

// jobPlan plans a job's statement.
func (s *Session) jobPlan(text string, stmt ast.Statement) (*planner.Plan, error) {
	plan, err := s.planOf(stmt)
	if err != nil {
		return nil, HideSecrets(locate(err, text))
	}
	if _, ok := plan.Roots[0].(*planner.Sink); !ok {
		return nil, errors.New("only INSERT and STATEMENT SET are jobs")
	}
	return plan, nil
}

// OpenJob prepares a program to run as a job of a server. o says where its data is and how Kinesis is reached.
func OpenJob(o Options, p job.Program, at job.Place) (*job.Prepared, error) {
	o.Logger = at.Logger
	o.Warn = func(text string) { at.Logger.Warn(text) }
	s, stmt, err := openProgram(o, p)
	if err != nil {
		return nil, err
	}
	out, err := s.prepare(p, stmt, at)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return out, nil
}

func (s *Session) prepare(p job.Program, stmt ast.Statement, at job.Place) (*job.Prepared, error) {
	plan, err := s.jobPlan(p.Statement, stmt)
	if err != nil {
		return nil, err
	}
	strategy, err := job.ParseStrategy(s.conf.get, rand.Float64)
	if err != nil {
		return nil, err
	}
	hide := newHider(p, plan)
	return &job.Prepared{
		Name: jobName(plan), Parallelism: max(1, plan.Settings.Parallelism), Plan: json.RawMessage(planner.ExplainJSON(plan)),
		Statement: hide(p.Statement), Settings: shownSettings(s.conf), Strategy: strategy, Hide: hide, Close: s.Close,
		Forget: func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_, store, err := s.jobOptions(ctx, at.ID, at.Dir, at.Logger)
			if err != nil {
				return err
			}
			return store.Remove(ctx)
		},
		Start: func(ctx context.Context, _ int) (job.Run, error) {
			return s.startJob(ctx, p, stmt, at)
		},
	}, nil
}

// startJob begins an attempt of a job: from its newest checkpoint, else from what it was told to go on from,
// else from the beginning.
func (s *Session) startJob(ctx context.Context, p job.Program, stmt ast.Statement, at job.Place) (job.Run, error) {
	plan, err := s.jobPlan(p.Statement, stmt)
	if err != nil {
		return nil, job.Fatal(err)
	}
	o, store, err := s.jobOptions(ctx, at.ID, at.Dir, at.Logger)
	if err != nil {
		return nil, err
	}
	if o.Restore, err = store.Latest(ctx); err != nil {
		return nil, err
	}
	o.JobName = jobName(plan)
	return s.runJob(ctx, plan, o, s.savepointStore(at.ID, filepath.Join(s.opts.DataDir, "savepoints")))
}

// runJob starts a plan that keeps checkpoints.
func (s *Session) runJob(ctx context.Context, plan *planner.Plan, o exec.Options, to func(string) (checkpoint.Store, error)) (job.Run, error) {
	var err error
	if o.Restore == nil {
		if o.Restore, err = s.recovery(ctx, filepath.Join(filepath.Dir(o.WorkDir), "scratch")); err != nil {
			return nil, err
		}
	}
	o.Settings = shownSettings(s.conf)
	run, err := exec.Run(ctx, plan, o)
	if err != nil {
		return nil, unfit(err)
	}
	return job.NewRun(run, to), nil
}

// jobName is pipeline.name, or as Flink makes one of the tables written.
func jobName(plan *planner.Plan) string {
	if plan.Settings.JobName != "" {
		return plan.Settings.JobName
	}
	var names []string
	for _, root := range plan.Roots {
		if sink, ok := root.(*planner.Sink); ok {
			names = append(names, strings.Join(sink.Table.Path[:], "."))
		}
	}
	name := "insert-into_" + strings.Join(names, ",")
	if len(name) > 200 {
		name = name[:197] + "..."
	}
	return name
}

var secretSetting = regexp.MustCompile(`(?i)password|passwd|secret|token|accesskey|api[-_.]?key|authorization`)

// shownSettings are settings as people may see them.
func shownSettings(c conf) map[string]string {
	out := map[string]string{}
	for k, v := range c {
		if secretSetting.MatchString(k) {
			v = "****"
		}
		out[k] = hideSecrets(v)
	}
	return out
}

// newHider takes a program's secrets out of texts: the values of its tables' secret options, wherever they
// stand, and what looks like one.
func newHider(p job.Program, plan *planner.Plan) func(string) string {
	seen := map[string]bool{}
	add := func(v string) {
		v = strings.ReplaceAll(v, "''", "'")
		if len(v) >= 3 && v != "****" { // shorter ones would make texts unreadable, and are no secrets
			seen[v] = true
		}
	}
	for _, text := range append([]string{p.Statement}, p.Definitions...) {
		for _, m := range secretOption.FindAllStringSubmatch(text, -1) {
			add(m[2])
		}
		for _, m := range urlPassword.FindAllStringSubmatch(text, -1) {
			add(m[1])
		}
	}
	for k, v := range p.Settings {
		if secretSetting.MatchString(k) {
			add(v)
		}
	}
	for _, t := range planTables(plan) {
		for _, v := range t.Secrets() {
			add(v)
		}
	}
	values := make([]string, 0, len(seen))
	for v := range seen {
		values = append(values, v)
	}
	sort.Slice(values, func(i, j int) bool { return len(values[i]) > len(values[j]) }) // one may hold another
	var pairs []string
	for _, v := range values {
		pairs = append(pairs, v, "****")
	}
	replace := strings.NewReplacer(pairs...)
	return func(text string) string { return hideSecrets(replace.Replace(text)) }
}

// planTables lists the tables that a plan reads and writes.
func planTables(plan *planner.Plan) []*planner.Table {
	var out []*planner.Table
	seen := map[planner.Node]bool{}
	var visit func(n planner.Node)
	visit = func(n planner.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		switch n := n.(type) {
		case *planner.Scan:
			out = append(out, n.Table)
			out = append(out, targetTables(n.ErrorTarget, n.LateTarget)...)
		case *planner.Sink:
			out = append(out, n.Table)
			out = append(out, targetTables(n.ErrorTarget)...)
		case *planner.LookupJoin:
			out = append(out, n.Table)
		}
		for _, in := range n.Inputs() {
			visit(in)
		}
	}
	for _, root := range plan.Roots {
		visit(root)
	}
	return out
}

func targetTables(list ...*planner.RejectTarget) (out []*planner.Table) {
	for _, t := range list {
		if t != nil {
			out = append(out, t.Table)
		}
	}
	return out
}
