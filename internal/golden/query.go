package golden

import (
	"fmt"
	"strings"

	"weir/planner"
)

// query runs a query once for what the file expects, then over the matrix.
func (r *runner) query(b *block) (got []string, failure string) {
	r.report.Queries++
	p := &planned{r: r, src: strings.TrimRight(r.expand(b.text()), "; \n"), plans: map[int]*planner.Plan{}}
	plan, err := p.plan(1)
	if err != nil {
		return r.errorLines(err), bug(err)
	}
	p.schema = planner.Columns(plan)
	exact := straight(plan) && !r.chancy()
	if !exact && len(b.args) == 0 && !b.wantsError() {
		if r.chancy() {
			return nil, "the job restarts in this query, so the order of its changes is chance: write `query final` or `query sorted`"
		}
		return nil, "rows of several inputs meet in this query, so the order of its changes is chance: write `query final` or `query sorted`"
	}
	first := r.opts.first()
	rows, err := p.run(first)
	if f := bug(err); f != "" {
		return nil, r.replay(b, first, f)
	}
	if err == nil {
		table, orphans := foldAll(rows)
		if len(orphans) > 0 && b.has("final") {
			_, err := fold(rows)
			return nil, r.replay(b, first, err.Error())
		}
		got = p.lines(b, rows, table)
	} else {
		got = r.errorLines(err)
	}
	if b.todo {
		return got, "" // one run is enough to know
	}
	if failure := compare(b, got); failure != "" && !r.opts.Rewrite {
		return got, r.replay(b, first, failure)
	}
	for _, how := range r.opts.runs(b.line) {
		if b.has("turns") && (how.Parallel > 1 || how.Faults) || !r.fits(how) {
			continue
		}
		r.note(plan, how)
		if !how.Goroutines && how.Seed == 0 {
			how.Seed = r.opts.Seed
		}
		if r.opts.Logf != nil {
			r.opts.Logf("%s:%d: %s", r.report.Path, b.line, how)
		}
		other, otherErr := p.run(how)
		if f := p.differ((exact && how.exact(plan) || b.has("turns")) && !b.has("sorted"), rows, err, other, otherErr); f != "" {
			return got, r.replay(b, how, f)
		}
	}
	return got, ""
}

// replay says what went wrong and how to see it again.
func (r *runner) replay(b *block, how Run, what string) string {
	return fmt.Sprintf("%s\nto replay: weir test %s %s:%d", strings.TrimRight(what, "\n"), how, r.report.Path, b.line)
}

// lines are the rows as the block wants to see them.
func (p *planned) lines(b *block, changes, table []row) []string {
	names := make(row, 0, len(p.schema)+1)
	for _, c := range p.schema {
		names = append(names, quote(c.Name))
	}
	if b.has("final") {
		return lines(names, table)
	}
	if b.has("sorted") {
		changes = sorted(changes)
	}
	return lines(append(row{"kind"}, names...), changes)
}

// differ compares a run with the first one.
func (p *planned) differ(exact bool, rows []row, err error, other []row, otherErr error) string {
	switch {
	case err != nil && otherErr != nil:
		return bug(otherErr)
	case otherErr != nil:
		return "query fails in one of its runs: " + otherErr.Error()
	case err != nil:
		return "query should fail, but does not in one of its runs"
	case exact:
		if sameChanges(rows, other) {
			return ""
		}
		return p.difference("changelogs", rows, other, true)
	}
	table, orphans := foldAll(rows)
	otherTable, otherOrphans := foldAll(other)
	switch {
	case !same(table, otherTable, p.schema):
		return p.difference("tables", table, otherTable, false)
	case !same(orphans, otherOrphans, p.schema):
		return p.difference("rows taken away that are not there", orphans, otherOrphans, false)
	}
	return ""
}

func (p *planned) difference(what string, rows, other []row, kinds bool) string {
	names := row(p.schema.Names())
	if kinds {
		names = append(row{"kind"}, names...)
	}
	return what + " of two runs differ: the first run gives\n" + indent(lines(names, rows)) + "the other\n" + indent(lines(names, other))
}

func sameChanges(a, b []row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].key() != b[i].key() {
			return false
		}
	}
	return true
}
