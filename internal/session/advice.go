package session

import (
	"fmt"
	"slices"
	"strings"

	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
)

// explainDetails may stand behind EXPLAIN. The plan shows changelog modes without being asked; there is no
// cost to estimate.
var explainDetails = []string{"CHANGELOG_MODE", "ESTIMATED_COST", "JSON", "JSON_EXECUTION_PLAN", "PLAN_ADVICE", "STATE"}

// explain gives the plan of the statement in st, whose text is in src.
func (s *Session) explain(src string, st *ast.Explain) (*Result, error) {
	details := map[string]bool{}
	for i := range st.Details {
		d := &st.Details[i]
		if !slices.Contains(explainDetails, strings.ToUpper(d.Name)) {
			return nil, sql.Errorf(d, "EXPLAIN %s is not known", d.Name).WithHint("there is %s", strings.Join(explainDetails, ", "))
		}
		details[strings.ToUpper(d.Name)] = true
	}
	plan, err := s.planOf(st.Stmt)
	if err != nil {
		return nil, err
	}
	var text string
	if details["JSON"] || details["JSON_EXECUTION_PLAN"] {
		text = planner.ExplainJSONWith(plan, src, st.Stmt.Pos(), details["STATE"], details["PLAN_ADVICE"])
	} else {
		text = planner.Explain(plan)
		if details["STATE"] {
			text += "\n" + planner.StateText(plan)
		}
		if details["PLAN_ADVICE"] {
			text += "\n" + planner.Advice(plan)
		}
	}
	return &Result{Kind: Table, Columns: []string{"result"}, Cells: [][]string{{text}}, Plain: true, Warnings: plan.Warnings}, nil
}

// lint lists what is risky in the statement in st, whose text is in src: its kind, its place, what it is, what
// to do, and where a machine can do it, the text to put in that place.
func (s *Session) lint(src string, st *ast.Lint) (*Result, error) {
	plan, err := s.planOf(st.Stmt)
	if err != nil {
		return nil, err
	}
	r := &Result{Kind: Table, Columns: []string{"kind", "at", "warning", "what to do", "fix"}}
	for _, w := range append(planner.Lint(plan), reservedWords(st.Stmt)...) {
		at := ""
		if w.Len > 0 {
			at = place(src, w.Pos)
		}
		fix := ""
		if f := planner.FixOf(w, src, st.Stmt.Pos()); f != nil {
			if fix = fmt.Sprintf("%s: %s", place(src, f.Pos), strings.TrimRight(f.Text, "\n")); f.Len > 0 {
				fix += fmt.Sprintf(" for %d characters", len([]rune(src[f.Pos:f.Pos+f.Len])))
			}
		}
		r.Cells = append(r.Cells, []string{planner.KindOf(w), at, w.Msg, w.Hint, fix})
	}
	return r, nil
}

// reservedWords lists the names that need backticks on Flink, each once, with all its places to put right.
func reservedWords(stmt ast.Statement) []planner.Warning {
	var out []planner.Warning
	seen := map[string]int{}
	for _, id := range sql.ReservedNames(stmt) {
		quoted := "`" + id.Name + "`"
		at, is := seen[id.Name]
		if !is {
			at = len(out)
			seen[id.Name] = at
			out = append(out, planner.Warning{
				Kind: planner.ReservedWord, Pos: id.Pos(), Len: id.Len(),
				Msg: fmt.Sprintf("%q is a reserved word of Flink, where it needs backticks", id.Name), Hint: "write " + quoted,
			})
		}
		out[at].Fix = append(out[at].Fix, planner.Edit{Pos: id.Pos(), Len: id.Len(), Text: quoted})
	}
	return out
}

// place is an offset as line and column, both from 1.
func place(src string, at int) string {
	line := 1 + strings.Count(src[:at], "\n")
	return fmt.Sprintf("%d:%d", line, 1+len([]rune(src[strings.LastIndexByte(src[:at], '\n')+1:at])))
}
