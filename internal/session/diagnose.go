package session

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"weir/exec"
	"weir/exec/job"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
	"weir/sql/vec"
)

// diagnosis is what is looked at to say what a job waits for.
type diagnosis struct {
	state       string
	cause       string // of the last failure
	plan        string // as JSON
	stats       []exec.NodeStats
	rates       map[job.Counter]job.Rate
	checkpoints exec.CheckpointStats
	now         time.Time
	warning     job.Line // the last that its log has
}

// diagnosed is a node of the plan with the sums of its instances.
type diagnosed struct {
	ID, Kind, Does string
	Inputs         []string
	in, out        int64
	late, rejected int64
	reasons        map[string]int64 // of those rejected
	groups         int64
	watermark      types.Time // the least
	busy, blocked  float64    // the most, milliseconds a second
	splits         []exec.SplitStats
	reference      *exec.ReferenceStats // with what all instances found in it
	asks           exec.AskStats        // the requests of all, the oldest
}

// DiagnoseJob says what a job of a server waits for, line by line.
func DiagnoseJob(e *job.Entry) []string {
	s := e.Status()
	d := diagnosis{state: string(s.State), cause: s.Error, plan: string(e.Plan()), stats: e.Stats(), checkpoints: e.Checkpoints(), now: time.Now()}
	d.rates = e.Rates(d.now)
	lines, _ := e.Logs().Lines()
	for _, l := range lines {
		if l.Level == slog.LevelWarn.String() {
			d.warning = l
		}
	}
	return d.lines()
}

// diagnose is DIAGNOSE JOB 'id' and DIAGNOSE SELECT ...
func (s *Session) diagnose(ctx context.Context, src string, st *ast.Diagnose) (*Result, error) {
	var lines []string
	var err error
	if st.Job != nil {
		lines, err = s.diagnoseJob(ctx, st.Job.Value)
		if err != nil {
			err = sql.Errorf(st.Job, "%s", err)
		}
	} else {
		lines, err = s.diagnoseQuery(ctx, src, st.Stmt)
	}
	if err != nil {
		return nil, err
	}
	r := &Result{Kind: Table, Columns: []string{"diagnosis"}}
	for _, l := range lines {
		r.Cells = append(r.Cells, []string{l})
	}
	return r, nil
}

func (s *Session) diagnoseJob(ctx context.Context, id string) ([]string, error) {
	if s.opts.Jobs != nil {
		return s.opts.Jobs.Diagnose(ctx, id)
	}
	j, err := s.jobs.find(id)
	if err != nil {
		return nil, err
	}
	info := j.info()
	d := diagnosis{state: info.State, cause: info.Error, plan: j.plan, stats: j.Stats(), checkpoints: j.run.CheckpointStats(), now: s.opts.Now()}
	return d.lines(), nil
}

// diagnoseFor is how long DIAGNOSE SELECT runs a query that does not end.
const diagnoseFor = 5 * time.Second

// diagnoseQuery runs a query for a while and throws its rows away.
func (s *Session) diagnoseQuery(ctx context.Context, src string, stmt ast.Statement) ([]string, error) {
	q, ok := stmt.(*ast.QueryStatement)
	if !ok {
		return nil, sql.Errorf(stmt, "DIAGNOSE takes a query, or JOB 'id': %s would do something", ast.KindOf(stmt))
	}
	r, err := s.query(q.Query)
	if err != nil {
		return nil, locate(err, src)
	}
	limited, cancel := context.WithTimeout(ctx, diagnoseFor)
	defer cancel()
	running, err := r.Stream(limited, func(*vec.Batch) error { return nil })
	if err != nil {
		return nil, err
	}
	d := diagnosis{state: string(job.Finished), plan: planner.ExplainJSON(r.Plan)}
	<-running.Done()
	if err := running.Wait(); limited.Err() != nil && ctx.Err() == nil {
		d.state = string(job.Running)
	} else if err != nil {
		d.state, d.cause = string(job.Failed), err.Error()
	}
	d.stats, d.now = running.Stats(), s.opts.Now()
	return d.lines(), ctx.Err()
}

// nodes reads the plan, inputs first, exchanges left out.
func (d *diagnosis) nodes() []*diagnosed {
	var plan struct{ Nodes []*diagnosed }
	if json.Unmarshal([]byte(d.plan), &plan) != nil {
		return nil // it could never be planned
	}
	byID := map[string]*diagnosed{}
	for _, n := range plan.Nodes {
		n.watermark = types.MaxTime
		byID[n.ID] = n
	}
	for _, s := range d.stats {
		n := byID[s.ID]
		if n == nil {
			continue
		}
		r := d.rates[job.Counter{Node: s.ID, Instance: s.Instance}]
		n.in, n.out, n.late, n.rejected, n.groups = n.in+s.RowsIn, n.out+s.RowsOut, n.late+s.Late, n.rejected+s.Rejected, n.groups+s.Groups
		n.watermark, n.busy, n.blocked = min(n.watermark, s.Watermark), max(n.busy, r.Busy), max(n.blocked, r.BackPressure)
		n.splits = append(n.splits, s.Splits...)
		n.reference = addReference(n.reference, s.Reference)
		n.addAsks(s.Asks)
		for why, k := range s.Reasons {
			if n.reasons == nil {
				n.reasons = map[string]int64{}
			}
			n.reasons[why] += k
		}
	}
	var out []*diagnosed
	for _, n := range plan.Nodes {
		for i, in := range n.Inputs {
			for byID[in] != nil && byID[in].Kind == "Exchange" {
				in = byID[in].Inputs[0]
			}
			n.Inputs[i] = in
		}
		if n.Kind != "Exchange" {
			out = append(out, n)
		}
	}
	return out
}

// name is a node as EXPLAIN shows it.
func (n *diagnosed) name() string {
	if n.Does == "" {
		return n.ID
	}
	does := []rune(n.Does)
	if len(does) > 60 {
		does = append(does[:57], []rune("...")...)
	}
	return n.ID + " (" + string(does) + ")"
}

// why lists the reasons of what was rejected, as " (decode 3, range 1)".
func (n *diagnosed) why() string {
	if len(n.reasons) == 0 {
		return ""
	}
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(n.reasons)) {
		parts = append(parts, fmt.Sprintf("%s %d", why, n.reasons[why]))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// lines are the findings, the cause before what follows from it.
func (d *diagnosis) lines() []string {
	switch job.State(d.state) {
	case job.Running, job.Finished:
	case job.Canceled:
		return []string{"the job is CANCELED: nothing runs"}
	default:
		text := "the job is " + d.state
		if d.cause != "" {
			text += ": " + d.cause
		}
		return []string{text}
	}
	nodes := d.nodes()
	byID := map[string]*diagnosed{}
	for _, n := range nodes {
		byID[n.ID] = n
	}
	var out []string
	for _, n := range nodes {
		out = append(out, d.look(n, byID)...)
	}
	out = append(out, d.warned()...)
	out = append(out, d.pressure(nodes)...)
	out = append(out, d.commits(nodes)...)
	fine := len(out) == 0
	out = append(out, d.references(nodes)...)
	return append(out, d.summary(nodes, fine))
}

// look finds what is to be said of one node.
func (d *diagnosis) look(n *diagnosed, byID map[string]*diagnosed) (out []string) {
	if n.late > 0 {
		out = append(out, fmt.Sprintf("%s: %d of %d rows came behind the watermark and were dropped; a larger bound in WATERMARK FOR would take them", n.name(), n.late, n.in))
	}
	if n.rejected > 0 && n.Kind != "Scan" {
		out = append(out, fmt.Sprintf("%s: %d rows were rejected%s ('error-handling.mode')", n.name(), n.rejected, n.why()))
	}
	waiting := d.asking(n)
	out = append(out, waiting...)
	out = append(out, d.referring(n)...)
	switch {
	case len(waiting) > 0:
	case n.Kind == "Scan":
		out = append(out, d.source(n)...)
	case n.out > 0 || n.in == 0 || n.Kind == "Sink" || n.Kind == "Collect":
	case strings.Contains(n.Kind, "Join") && len(n.Inputs) == 2:
		out = append(out, d.join(n, byID)...)
	case n.Kind == "Calc":
		out = append(out, fmt.Sprintf("%s lets none of %d rows pass: look at its condition", n.name(), n.in))
	case n.late == n.in:
	case timed(n):
		out = append(out, d.waits(n, byID)...)
	default:
		out = append(out, fmt.Sprintf("%s has taken %d rows and given none", n.name(), n.in))
	}
	return out
}

// warnedFor is how long a warning tells of what is the case now: what is tried again is not tried less often.
const warnedFor = 30 * time.Second

// warned tells of what the job tries again and again.
func (d *diagnosis) warned() []string {
	ago := d.now.Sub(d.warning.Time)
	if d.state != string(job.Running) || ago > warnedFor {
		return nil
	}
	fields := d.warning.Fields
	if _, rest, ok := strings.Cut(fields, " "); ok && strings.HasPrefix(fields, "job=") {
		fields = rest
	}
	return []string{fmt.Sprintf("%s ago: %s (%s)", max(ago, 0).Round(100*time.Millisecond), d.warning.Message, fields)}
}

// timed: the node gives rows when the watermark has passed something.
func timed(n *diagnosed) bool {
	for _, part := range []string{"Window", "Over", "Match", "Interval", "Temporal", "TimeSort", "Sort"} {
		if strings.Contains(n.Kind, part) {
			return true
		}
	}
	return false
}

func (d *diagnosis) source(n *diagnosed) (out []string) {
	switch {
	case n.rejected > 0 && n.out == 0:
		out = append(out, fmt.Sprintf("%s: all of its %d records were rejected%s: they are not what the table declares ('error-handling.mode')", n.name(), n.rejected, n.why()))
	case n.rejected > 0:
		out = append(out, fmt.Sprintf("%s: %d records were rejected%s ('error-handling.mode')", n.name(), n.rejected, n.why()))
	case n.out == 0 && len(n.splits) == 0 && d.state == string(job.Running):
		out = append(out, n.name()+" has nothing to read: it has no shard or file yet")
	case n.out == 0:
		out = append(out, n.name()+" has read no record: nothing was written behind the position where it began (a stream is read from LATEST unless its table says otherwise)")
	}
	if d.state == string(job.Running) {
		out = append(out, d.heldBack(n)...)
	}
	return out
}

// heldBack names the split that holds back a source's watermark.
func (d *diagnosis) heldBack(n *diagnosed) []string {
	var live []exec.SplitStats
	most := types.MinTime
	for _, s := range n.splits {
		if s.State == exec.SplitDone || s.State == exec.SplitIdle {
			continue
		}
		live = append(live, s)
		most = max(most, s.Watermark)
	}
	if len(live) < 2 || most == types.MinTime {
		return nil
	}
	sort.Slice(live, func(i, j int) bool { return live[i].Watermark < live[j].Watermark })
	slow := live[0]
	if slow.Watermark == types.MinTime {
		return []string{fmt.Sprintf("%s: split %q has had no row yet and holds back the watermark, others are at %s; SET 'table.exec.source.idle-timeout' lets them go on without it", n.name(), slow.ID, timeText(most))}
	}
	if behind := time.Duration(most-slow.Watermark) * time.Millisecond; behind >= 10*time.Second {
		return []string{fmt.Sprintf("%s: split %q is at %s and holds back the watermark; the furthest is %s ahead", n.name(), slow.ID, timeText(slow.Watermark), behind)}
	}
	return nil
}

func timeText(t types.Time) string {
	switch t {
	case types.MinTime:
		return "no time yet"
	case types.MaxTime:
		return "the end"
	}
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02 15:04:05.000")
}

func (d *diagnosis) join(n *diagnosed, byID map[string]*diagnosed) []string {
	left, right := byID[n.Inputs[0]], byID[n.Inputs[1]]
	if left == nil || right == nil {
		return nil
	}
	for _, x := range [][2]*diagnosed{{left, right}, {right, left}} {
		if x[0].out == 0 && x[1].out > 0 {
			return []string{fmt.Sprintf("%s has %d rows of %s and none of %s", n.name(), x[1].out, x[1].ID, x[0].ID)}
		}
	}
	if timed(n) {
		return d.waits(n, byID)
	}
	return []string{fmt.Sprintf("%s has %d rows of %s and %d of %s, and no two of them match: look at its condition", n.name(), left.out, left.ID, right.out, right.ID)}
}

// waits says what watermark a node waits for, and whose it is.
func (d *diagnosis) waits(n *diagnosed, byID map[string]*diagnosed) []string {
	at, slow := types.MaxTime, (*diagnosed)(nil)
	for _, id := range n.Inputs {
		if in := byID[id]; in != nil && in.watermark <= at {
			at, slow = in.watermark, in
		}
	}
	if slow == nil {
		return nil
	}
	held := ""
	if n.groups > 0 {
		held = fmt.Sprintf(" and holds %d groups", n.groups)
	}
	if at == types.MinTime {
		return []string{fmt.Sprintf("%s has taken %d rows%s: it waits for a first watermark from %s", n.name(), n.in, held, slow.ID)}
	}
	return []string{fmt.Sprintf("%s has taken %d rows%s: it gives rows once the watermark, which is at %s in %s, has passed the end of a window", n.name(), n.in, held, timeText(at), slow.ID)}
}

// pressure names what slows down what comes before it.
func (d *diagnosis) pressure(nodes []*diagnosed) []string {
	var waiting *diagnosed
	for _, n := range nodes {
		if n.blocked > 500 {
			waiting = n
		}
	}
	if waiting == nil {
		return nil
	}
	var slow *diagnosed
	after := false
	for _, n := range nodes {
		if after && (slow == nil || n.busy > slow.busy) {
			slow = n
		}
		after = after || n == waiting
	}
	if slow == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s waits %.0f %% of its time for %s, which is slower", waiting.name(), waiting.blocked/10, slow.name())}
}

// commits says whether rows that were written can be seen.
func (d *diagnosis) commits(nodes []*diagnosed) []string {
	c := d.checkpoints
	if c.ConsecutiveFailures > 0 && c.LastFailed != nil {
		return []string{fmt.Sprintf("the last %d checkpoints failed, and files become visible with one: %s", c.ConsecutiveFailures, c.LastFailed.Error)}
	}
	for _, n := range nodes {
		if n.Kind == "Sink" && n.in > 0 && c.Completed == 0 && d.state == string(job.Running) {
			return []string{fmt.Sprintf("%s has taken %d rows; files become visible with the first checkpoint, which is still to come", n.name(), n.in)}
		}
	}
	return nil
}

// summary is the last line.
func (d *diagnosis) summary(nodes []*diagnosed, fine bool) string {
	var read, given int64
	for _, n := range nodes {
		switch n.Kind {
		case "Scan", "Values":
			read += n.out
		case "Sink", "Collect":
			given += n.in
		}
	}
	text := fmt.Sprintf("the job is %s: %d rows read, %d given", d.state, read, given)
	if fine && given > 0 {
		text += "; nothing holds it back"
	}
	return text
}
