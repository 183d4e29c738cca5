// Package session is one SQL session: a catalog, settings, jobs, and the way from a statement to its
// result. The prompt, scripts, golden files and notebooks are its clients.
//
// Contract: a Session is used by one goroutine at a time; jobs it started run by themselves and may be
// asked from any. Nothing here prints: results are data. Positions in errors are bytes of the text given
// to Parse.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"weir/connectors"
	"weir/connectors/all"
	"weir/connectors/kinesis/local"
	"weir/connectors/ledger"
	"weir/connectors/memory"
	"weir/connectors/recording"
	"weir/connectors/rejects"
	"weir/exec/state"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
)

// Options open a session.
type Options struct {
	DataDir string // weir's own data: embedded server, catalog, checkpoints; default ".weir"
	// Ephemeral keeps nothing on disk but the embedded server's data: tables end with the session.
	Ephemeral bool
	// AWS sends tables without an endpoint to AWS instead of the embedded server.
	AWS bool
	// Endpoint of Kinesis, where it is neither.
	Endpoint    string
	KinesisAddr string // of the embedded server; default 127.0.0.1:4567, or a free port when that is taken
	Settings    map[string]string
	// Stdout is where 'print' tables write; default os.Stdout.
	Stdout io.Writer
	// Warn is told what the user should know and does not stop anything.
	Warn   func(text string)
	Logger *slog.Logger
	// Now is the processing clock; default time.Now.
	Now func() time.Time
	// Jobs runs what INSERT starts; nil: this process does, and it ends with the session.
	Jobs JobService
	// Resources are what jobs that keep checkpoints share; nil: each has its own.
	Resources *state.Resources
	// Reserve is told what jobs take of the memory of the process: see exec.Options.
	Reserve func(bytes int64) (release func())
	// Ledger counts what services are asked, for several sessions; nil: the session has its own.
	Ledger *ledger.Store
	// ofJob: the session is a job's, so what it rejects outlives it.
	ofJob bool
	// Kinesis gives the URL of the embedded Kinesis server where somebody else keeps it; nil: the session does.
	Kinesis func(context.Context) (string, error)
}

// Session is one SQL session.
type Session struct {
	opts    Options
	conf    conf
	plan    *planner.Planner
	env     *connectors.Env
	jobs    *jobs
	memory  *memory.Tables
	persist *persistence
	rejects *rejects.Store // what its tables rejected
	ledger  *ledger.Store  // what services were asked

	// recorded is where answers of lookups are kept.
	recorded struct{ path, mode string }

	kinesis struct {
		sync.Mutex
		url   string
		owned *local.Server
	}
}

// Open opens a session and loads the catalog kept on disk.
func Open(o Options) (*Session, error) {
	if o.DataDir == "" {
		o.DataDir = ".weir"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	s := &Session{opts: o, conf: conf{}, jobs: newJobs(o.Now), memory: memory.NewTables()}
	for k, v := range o.Settings {
		if _, err := s.conf.set(k, v); err != nil {
			return nil, err
		}
	}
	s.env = s.newEnv()
	s.plan = &planner.Planner{Catalog: planner.NewCatalog(), Connectors: map[string]connectors.Connector{}, Providers: map[string]connectors.Connector{}, Env: s.env}
	s.rejects = rejects.Open(filepath.Join(o.DataDir, "rejects"))
	if s.ledger = o.Ledger; s.ledger == nil {
		s.ledger = ledger.Open(filepath.Join(o.DataDir, "ledger"), o.Now)
	}
	if o.Ephemeral && !o.ofJob {
		s.rejects = rejects.InMemory()
		if o.Ledger == nil {
			s.ledger = ledger.Open("", o.Now)
		}
	}
	for _, c := range all.Providers() {
		s.plan.Providers[c.Name] = c
	}
	for _, c := range append(all.List(), s.memory.Connector(), s.rejects.Connector(), s.ledger.Connector()) {
		s.plan.Connectors[c.Name] = c
	}
	s.settle()
	if !o.Ephemeral {
		s.persist = &persistence{dir: filepath.Join(o.DataDir, "catalog")}
		for _, err := range s.persist.load(s) {
			o.Warn(err.Error())
		}
	}
	return s, nil
}

func (s *Session) newEnv() *connectors.Env {
	env := &connectors.Env{
		Now: s.opts.Now, Random: rand.Uint64, Logger: s.opts.Logger,
		Stdout: lineWriter(s.opts.Stdout), DataDir: s.opts.DataDir, Warn: s.opts.Warn,
	}
	switch {
	case s.opts.Endpoint != "":
		env.LocalKinesis = func(context.Context) (string, error) { return s.opts.Endpoint, nil }
	case !s.opts.AWS && s.opts.Kinesis != nil:
		env.LocalKinesis = s.opts.Kinesis
	case !s.opts.AWS:
		env.LocalKinesis = s.LocalKinesis
	}
	return env
}

// lineWriter writes whole lines, one at a time.
func lineWriter(w io.Writer) func([]byte) {
	var mu sync.Mutex
	return func(line []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = w.Write(line) // nobody is left to tell when standard output is gone
	}
}

// settle hands the settings to the planner and the connectors.
func (s *Session) settle() {
	s.plan.Settings = s.conf.planner()
	s.plan.Settings.Database = s.plan.Catalog.Current[1]
	s.env.Zone, s.env.S3Endpoint = s.plan.Settings.Zone, s.conf.get("s3.endpoint")
	s.record()
}

// record has lookups recorded, or replayed, as the settings say.
func (s *Session) record() {
	path, mode := s.conf.get("weir.calls.recording"), strings.ToLower(s.conf.get("weir.calls.recording.mode"))
	if s.recorded.path == path && s.recorded.mode == mode {
		return
	}
	s.recorded.path, s.recorded.mode = path, mode
	if s.env.Recorder = nil; path != "" {
		s.env.Recorder = recording.New(path, mode) // one before it may be in use by a job, which keeps it
	}
}

// LocalKinesis gives the URL of the embedded Kinesis server of the data folder: that of the process
// that owns it, or a server started here. When its owner ends, the next call takes over.
func (s *Session) LocalKinesis(ctx context.Context) (string, error) {
	k := &s.kinesis
	k.Lock()
	defer k.Unlock()
	if k.owned != nil {
		return k.url, nil
	}
	url, owned, err := local.Attach(s.opts.DataDir, local.Options{Addr: s.opts.KinesisAddr, Logger: s.opts.Logger})
	if err != nil {
		return "", err
	}
	k.url, k.owned = url, owned
	return url, nil
}

// Close stops the session's jobs and its server.
func (s *Session) Close() error {
	s.jobs.stopAll()
	err := s.ledger.Flush()
	s.kinesis.Lock()
	defer s.kinesis.Unlock()
	if s.kinesis.owned == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.kinesis.owned.Close(ctx)
}

// Planner gives the session's planner, for completion and documentation.
func (s *Session) Planner() *planner.Planner { return s.plan }

// Setting is the value of a setting.
func (s *Session) Setting(name string) string { return s.conf.get(name) }

// Execute runs one statement of the text src. Queries and INSERTs are planned here and run by what
// the Result offers.
func (s *Session) Execute(ctx context.Context, src string, stmt ast.Statement) (*Result, error) {
	r, err := s.execute(ctx, src, stmt)
	if err != nil {
		return nil, HideSecrets(locate(err, src))
	}
	return r, nil
}

// locate gives errors that have a place the text it is in.
func locate(err error, src string) error {
	var list *sql.ErrorList
	var one *sql.Error
	switch {
	case errors.As(err, &list):
		for _, e := range list.Errors {
			if e.Src == "" {
				e.WithSource("", src)
			}
		}
		return list
	case errors.As(err, &one) && one.Src == "":
		return one.WithSource("", src)
	}
	return err
}

func (s *Session) execute(ctx context.Context, src string, stmt ast.Statement) (*Result, error) {
	switch st := stmt.(type) {
	case *ast.QueryStatement:
		return s.query(st.Query)
	case *ast.Insert:
		return s.insert(src, st)
	case *ast.StatementSet:
		return s.statementSet(src, st)
	case *ast.Execute:
		if st.Stmt != nil {
			return s.execute(ctx, src, st.Stmt)
		}
		return s.executePlan(st)
	case *ast.Explain:
		return s.explain(src, st)
	case *ast.Lint:
		return s.lint(src, st)
	case *ast.Set:
		return s.set(st)
	case *ast.Reset:
		return s.reset(st)
	case *ast.Show:
		return s.show(ctx, st)
	case *ast.Describe:
		return s.describe(ctx, st)
	case *ast.Diagnose:
		return s.diagnose(ctx, src, st)
	case *ast.CompilePlan:
		return s.compilePlan(src, st)
	case *ast.StopJob:
		return s.stopJob(ctx, st)
	case *ast.Retry:
		return s.retry(ctx, src, st)
	}
	if r, ok, err := s.define(src, stmt); ok {
		return r, err
	}
	return nil, sql.Errorf(stmt, "%s is not supported yet", ast.KindOf(stmt))
}

func (s *Session) query(q ast.Query) (*Result, error) {
	plan, err := s.plan.PlanQuery(q)
	if err != nil {
		return nil, err
	}
	return &Result{Kind: Rows, Schema: planner.Columns(plan), Append: plan.Roots[0].Info().Mode.AppendOnly(), Plan: plan, s: s}, nil
}

func (s *Session) insert(src string, st *ast.Insert) (*Result, error) {
	plan, err := s.plan.PlanInsert(st)
	if err != nil {
		return nil, err
	}
	return &Result{Kind: Insert, Plan: plan, s: s, text: cut(src, st), stmt: st}, nil
}

func (s *Session) statementSet(src string, st *ast.StatementSet) (*Result, error) {
	plan, err := s.plan.PlanStatementSet(st)
	if err != nil {
		return nil, err
	}
	return &Result{Kind: Insert, Plan: plan, s: s, text: cut(src, st), stmt: st}, nil
}

func cut(src string, n ast.Node) string {
	if n.Range().End > len(src) {
		return ""
	}
	return src[n.Pos():n.Range().End]
}

func (s *Session) set(st *ast.Set) (*Result, error) {
	if st.Key == nil {
		r := &Result{Kind: Table, Columns: []string{"key", "value"}}
		for _, kv := range s.conf.list() {
			r.Cells = append(r.Cells, []string{kv[0], kv[1]})
		}
		return r, nil
	}
	key, value := st.Key.Value, st.Value.Value
	used, err := s.conf.set(key, value)
	if err != nil {
		return nil, sql.Errorf(st, "%s", err)
	}
	s.settle()
	r := &Result{Kind: Done, Message: "Session property has been set."}
	if !used {
		r.Warnings = append(r.Warnings, planner.Warning{Msg: fmt.Sprintf("'%s' is a setting of Flink that weir has no use for", key)})
	}
	return r, nil
}

func (s *Session) reset(st *ast.Reset) (*Result, error) {
	if st.Key == nil {
		s.conf = conf{}
		s.settle()
		return &Result{Kind: Done, Message: "All session properties have been set to their default values."}, nil
	}
	if err := knownSetting(st.Key.Value); err != nil {
		return nil, sql.Errorf(st, "%s", err)
	}
	delete(s.conf, settingName(st.Key.Value))
	s.settle()
	return &Result{Kind: Done, Message: "Session property has been reset."}, nil
}

// IntSetting is the value of a setting that is a number.
func (s *Session) IntSetting(name string) int {
	var n int
	_ = intTo(&n, s.conf.get(name), 0, 1<<31-1) // checked when it was set
	return n
}

// Relations lists the tables and views of the current database.
func (s *Session) Relations() []string {
	c := s.plan.Catalog
	return c.Tables(c.Current[0], c.Current[1])
}

// ColumnNames lists the columns of a table or view of the current database.
func (s *Session) ColumnNames(relation string) []string {
	c := s.plan.Catalog
	table, view := c.Lookup([3]string{c.Current[0], c.Current[1], relation})
	switch {
	case table != nil:
		var names []string
		for _, col := range table.Columns {
			names = append(names, col.Name)
		}
		return names
	case view != nil:
		return view.Columns.Names()
	}
	return nil
}
