package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"weir/exec"
	"weir/exec/checkpoint"
	"weir/exec/job"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
)

// compiledVersion is the format of plan files.
const compiledVersion = 1

// compiled is a plan file, of COMPILE PLAN. It holds what is needed to plan the statement again, without
// secrets, and what came of it, so that a plan that comes out differently is found before it meets state.
type compiled struct {
	Version     int                   `json:"weirPlan"`
	Statement   string                `json:"statement"`
	Definitions []string              `json:"definitions"`
	Settings    map[string]string     `json:"settings,omitempty"`
	Catalog     string                `json:"catalog"`
	Database    string                `json:"database"`
	Operators   []checkpoint.Operator `json:"operators"`
	Plan        json.RawMessage       `json:"plan"`
}

// compilePlan is COMPILE [AND EXECUTE] PLAN. As in Flink, a plan that is there already is executed as it is.
func (s *Session) compilePlan(src string, st *ast.CompilePlan) (*Result, error) {
	path := planPath(st.Path)
	_, err := os.Stat(path)
	switch {
	case err == nil && st.AndExecute:
		return s.executeFile(st.Path)
	case err == nil && st.IfNotExists:
		return &Result{Kind: Done, Message: okMessage}, nil
	case err == nil && s.conf.get("table.plan.force-recompile") != "true":
		return nil, sql.Errorf(st.Path, "the plan %q is there already", path).
			WithHint("COMPILE PLAN '%s' IF NOT EXISTS keeps it; SET 'table.plan.force-recompile' = 'true' writes over it", st.Path.Value)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, sql.Errorf(st.Path, "%s", err)
	}
	plan, err := s.planOf(st.Stmt)
	if err != nil {
		return nil, err
	}
	if err := s.writePlan(path, cut(src, st.Stmt), st.Stmt, plan); err != nil {
		return nil, sql.Errorf(st.Path, "%s", err)
	}
	if st.AndExecute {
		return s.executeFile(st.Path)
	}
	return &Result{Kind: Done, Message: okMessage, Warnings: plan.Warnings}, nil
}

func planPath(l *ast.Literal) string { return strings.TrimPrefix(l.Value, "file://") }

func (s *Session) writePlan(path, text string, stmt ast.Statement, plan *planner.Plan) error {
	p := s.program(text, stmt)
	operators, err := exec.Operators(plan)
	if err != nil {
		return err
	}
	out := compiled{Version: compiledVersion, Statement: hideSecrets(text), Settings: shownSettings(s.conf),
		Catalog: p.Catalog, Database: p.Database, Operators: operators, Plan: json.RawMessage(planner.ExplainJSON(plan))}
	if out.Statement != text {
		return errors.New("the statement has a secret in an OPTIONS hint, which a plan file does not hold: write it into the table")
	}
	d := &definitions{cat: s.plan.Catalog, seen: map[[3]string]bool{}, models: map[[3]string]bool{}, masked: true}
	d.database(s.plan.Catalog.Current)
	d.uses(stmt)
	out.Definitions = append(d.databases, d.objects...)
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// executePlan is EXECUTE PLAN 'file'.
func (s *Session) executePlan(st *ast.Execute) (*Result, error) { return s.executeFile(st.Plan) }

// executeFile plans a file's statement again over the file's tables, and refuses another plan than the file's.
func (s *Session) executeFile(at *ast.Literal) (*Result, error) {
	path := planPath(at)
	fail := func(err error) (*Result, error) {
		return nil, sql.Errorf(at, "plan %q: %s", path, strings.TrimSpace(err.Error()))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fail(err)
	}
	var c compiled
	if err := json.Unmarshal(data, &c); err != nil || c.Version == 0 {
		return fail(errors.New("this is no plan of weir's COMPILE PLAN"))
	}
	if c.Version != compiledVersion {
		return fail(fmt.Errorf("format %d; this weir reads %d", c.Version, compiledVersion))
	}
	p := job.Program{Statement: c.Statement, Settings: s.settingsOver(c.Settings), Catalog: c.Catalog, Database: c.Database}
	for _, text := range c.Definitions {
		if text, err = s.withSecrets(text); err != nil {
			return fail(err)
		}
		p.Definitions = append(p.Definitions, text)
	}
	o := s.opts
	o.Kinesis = s.LocalKinesis
	inner, stmt, err := openProgram(o, p)
	if err != nil {
		return fail(err)
	}
	defer inner.Close() // it started nothing
	plan, err := inner.jobPlan(p.Statement, stmt)
	if err != nil {
		return fail(err)
	}
	operators, err := exec.Operators(plan)
	if err != nil {
		return fail(err)
	}
	if diff := checkpoint.Diff(c.Operators, operators); len(diff) > 0 {
		lines := make([]string, len(diff))
		for i, d := range diff {
			lines[i] = "  " + d.String()
		}
		return fail(fmt.Errorf("the statement is planned otherwise than when it was compiled (- was there, + is there, ~ changed):\n%s\ncompile it again, and start without the state of before", strings.Join(lines, "\n")))
	}
	return &Result{Kind: Insert, Plan: plan, s: s, text: c.Statement, stmt: stmt, prog: &p}, nil
}

// ofRun are the settings that say how a job runs, not what it does: those of the session, not of the plan file.
var ofRun = []string{"execution.checkpointing.", "execution.state-recovery.", "restart-strategy.", "pipeline.name", "parallelism.default", "taskmanager."}

// settingsOver gives a plan file's settings with those of the session that say how it runs.
func (s *Session) settingsOver(file map[string]string) map[string]string {
	out := maps.Clone(file)
	if out == nil {
		out = map[string]string{}
	}
	for k, v := range s.conf {
		for _, p := range ofRun {
			if strings.HasPrefix(k, p) {
				out[k] = v
			}
		}
	}
	return out
}

// withSecrets puts the session's values where a definition has none, because they are secrets.
func (s *Session) withSecrets(text string) (string, error) {
	if !strings.Contains(text, planner.Masked) {
		return text, nil
	}
	stmts, err := sql.Parse(text)
	if err != nil || len(stmts) != 1 {
		return "", errors.New("a table's definition is broken")
	}
	create, ok := stmts[0].(*ast.CreateTable)
	if !ok {
		return text, nil // a view that happens to speak of stars
	}
	path, err := s.plan.Catalog.Path(create.Name)
	if err != nil {
		return "", err
	}
	table, _ := s.plan.Catalog.Lookup(path)
	for i := len(create.Options) - 1; i >= 0; i-- { // from the end, so that positions stay
		o := create.Options[i]
		if !strings.Contains(o.Value.Value, planner.Masked) {
			continue
		}
		if table == nil || table.Options[o.Key.Value] == "" {
			return "", fmt.Errorf("'%s' of table %q is a secret, which plan files do not hold: make the table with it in this session first", o.Key.Value, create.Name.Last())
		}
		text = text[:o.Value.Pos()] + "'" + strings.ReplaceAll(table.Options[o.Key.Value], "'", "''") + "'" + text[o.Value.Range().End:]
	}
	return text, nil
}
