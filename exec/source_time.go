package exec

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/exec/expr"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// generator makes the watermark of one split, or of a whole sequential source.
type generator struct {
	wm   types.Time // the greatest watermark of its rows
	idle bool
	last int64 // microseconds of the processing clock, of its last row
	// base is the watermark of its last row, from which the clock moves it on while no row comes;
	// based is the clock of that row.
	base  types.Time
	based int64
}

// followStep is how often the watermark of a silent split follows the clock.
const followStep = 200 * time.Millisecond

// followClock moves the watermark of a split on by the time that has passed since its last row. A split
// that never had one has no time to move on from: it is idle.
func (g *generator) followClock(now int64) {
	if g.wm == types.MinTime {
		g.idle = true
		return
	}
	if g.based != g.last {
		g.base, g.based = g.wm, g.last
	}
	g.wm = max(g.wm, g.base+types.Time((now-g.last)/1000))
}

// marks is the event time of a source task: its generators and what was passed on.
type marks struct {
	on      bool
	gens    []*generator
	floor   types.Time // a watermark is passed on only above it
	merged  types.Time // last passed on
	idle    bool       // said so
	gap     int64      // milliseconds the watermark must move by
	checked int64      // microseconds: when a withheld watermark was last looked at
	timeout time.Duration
	follow  time.Duration // how long a split is silent before its watermark follows the clock; 0: never
	stepped int64         // microseconds: when silent splits were last looked at
	skew    time.Duration
	group   *alignment
	drift   time.Duration
}

func (m *marks) add(s *source, r *splitRun) {
	if s.sequential && len(m.gens) > 0 {
		r.gen = m.gens[0]
		return
	}
	r.gen = &generator{wm: r.Watermark, last: s.t.now}
	m.gens = append(m.gens, r.gen)
}

// remove leaves a finished split's generator out of the minimum; a sequential source keeps its one.
func (m *marks) remove(s *source, r *splitRun) {
	if s.sequential {
		return
	}
	m.group.leave(r.gen)
	for i, g := range m.gens {
		if g == r.gen {
			m.gens = append(m.gens[:i], m.gens[i+1:]...)
			return
		}
	}
}

// others is the least watermark of the generators besides g that are waited for.
func (m *marks) others(g *generator) types.Time {
	least := types.MaxTime
	for _, x := range m.gens {
		if x != g && !x.idle {
			least = min(least, x.wm)
		}
	}
	return least
}

// passable is what follows the watermark from when the generators stand at to.
func (m *marks) passable(from, to types.Time) types.Time {
	if to <= m.floor || to <= from || from != types.MinTime && int64(to)-int64(from) <= m.gap {
		return from
	}
	return to
}

// ahead tells whether a generator is too far ahead of its alignment group.
func (m *marks) ahead(g *generator) bool {
	return m.group != nil && m.group.ahead(g, m.drift)
}

func (m *marks) deadline(s *source) int64 {
	at := never
	if !m.on {
		return at
	}
	if m.timeout > 0 {
		for _, g := range m.gens {
			if !g.idle {
				at = min(at, g.last+m.timeout.Microseconds())
			}
		}
	}
	if m.follow > 0 {
		for _, g := range m.gens {
			at = min(at, max(g.last+m.follow.Microseconds(), m.stepped+followStep.Microseconds()))
		}
	}
	if m.gap > 0 && m.others(nil) > m.merged && m.others(nil) < types.MaxTime {
		at = min(at, m.checked+m.gap*1000)
	}
	if len(s.held) > 0 {
		at = min(at, s.t.after(alignmentPause))
	}
	return at
}

// tick finds the splits that have become idle.
func (m *marks) tick(s *source, now time.Time) {
	us := now.UnixMicro()
	m.stepped = us
	for _, g := range m.gens {
		if m.follow > 0 && us >= g.last+m.follow.Microseconds() && !s.busy(g) {
			g.followClock(us)
		}
		if m.timeout > 0 && us >= g.last+m.timeout.Microseconds() && !s.busy(g) {
			if !g.idle {
				s.noteIdle(g)
			}
			g.idle = true
			m.group.leave(g)
		}
	}
}

// busy tells whether rows of a generator's split wait to be emitted.
func (s *source) busy(g *generator) bool {
	for _, r := range s.ready {
		if r.gen == g {
			return true
		}
	}
	for _, r := range s.held {
		if r.gen == g {
			return true
		}
	}
	return false
}

// advance passes on what the generators allow by now, and says so when all are idle.
func (s *source) advance() error {
	m := &s.marks
	if !m.on || s.t.finishing {
		return nil
	}
	awake, most := false, types.MinTime
	for _, g := range m.gens {
		awake = awake || !g.idle
		most = max(most, g.wm)
	}
	to := most
	if awake {
		to = m.others(nil)
	}
	if m.gap > 0 && awake {
		if s.t.now < m.checked+m.gap*1000 {
			to = m.passable(m.merged, to)
		}
		m.checked = s.t.now
	}
	if to > m.merged && to > m.floor {
		if err := s.pass(to); err != nil {
			return err
		}
	}
	if !awake && !m.idle {
		m.idle = true
		return s.next.idle()
	}
	return nil
}

func (s *source) pass(wm types.Time) error {
	s.marks.merged, s.t.wm, s.fn.Watermark = wm, wm, wm
	s.stats.watermark.Store(int64(wm))
	return s.next.watermark(wm)
}

// emitRows computes the scan's columns for rows of a split and passes them on with their watermarks.
// record gives the record of the chunk that a row came from; nil: the rows are of no chunk.
func (s *source) emitRows(r *splitRun, raw *vec.Batch, record func(row int) int) error {
	s.t.at, s.fn.NowMicros = s.stats.name, s.t.now
	s.stats.rowsIn.Add(int64(raw.Len()))
	return s.compute(r, raw, record)
}

// compute is emitRows without counting. Where a row fails and may, those before it go on, then those behind it.
func (s *source) compute(r *splitRun, raw *vec.Batch, record func(row int) int) error {
	b := raw
	if s.exprs != nil {
		cols, err := expr.Columns(s.exprs, s.fn, raw, nil)
		if row := rowAt(err, raw.Len()); row >= 0 && !s.policy.fails() {
			return s.around(r, raw, record, row, err)
		}
		if err != nil {
			return s.rowFault(r, err, record)
		}
		b = vec.New(s.out, cols, raw.Len(), raw.Kinds)
	}
	if limit := s.scan.Limit; limit > 0 && s.read+int64(b.Len()) >= limit {
		b = b.Slice(0, int(limit-s.read))
		defer s.stop()
	}
	s.read += int64(b.Len())
	if b.Len() == 0 {
		return nil
	}
	if !s.marks.on {
		s.noteRows(r, b.Len())
		return s.push(b)
	}
	err := s.emitTimed(r, b, record)
	s.noteRows(r, b.Len())
	return err
}

// around emits rows without the one that an expression fails on.
func (s *source) around(r *splitRun, raw *vec.Batch, record func(int) int, row int, cause error) error {
	if row > 0 {
		if err := s.compute(r, raw.Slice(0, row), record); err != nil {
			return err
		}
	}
	if err := s.rejectRow(r, raw, record, row, connectors.RejectExpression, cause, s.raw); err != nil || row+1 == raw.Len() {
		return err
	}
	behind := record
	if record != nil {
		behind = func(i int) int { return record(row + 1 + i) }
	}
	return s.compute(r, raw.Slice(row+1, raw.Len()), behind)
}

// rejectRow deals with a row of a batch of the schema.
func (s *source) rejectRow(r *splitRun, b *vec.Batch, record func(int) int, row int, reason string, cause error, schema *arrow.Schema) error {
	i := -1
	if record != nil {
		i = record(row)
	}
	return s.rejectRecord(r, i, reason, cause, func(x *connectors.Rejected) {
		columns := s.scan.Out
		if schema == s.raw {
			columns = s.rawColumns
		}
		x.Row = rowText(columns, b, row)
	})
}

func (s *source) push(b *vec.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	s.stats.rowsOut.Add(int64(b.Len()))
	return s.next.process(b)
}

// rowFault names the record of the row that an expression failed on.
func (s *source) rowFault(r *splitRun, err error, record func(int) int) error {
	var re *fn.RowError
	if record != nil && errors.As(err, &re) {
		err = fmt.Errorf("%s: %w", r.chunk.Describe(record(re.Row)), err)
	}
	return s.fault(err)
}

// emitTimed passes rows on and moves the watermark. Rows go first, then the watermark that they cause. Only
// where a row would be late against a watermark caused within the batch is the batch cut, so that answers
// do not depend on the size of batches.
func (s *source) emitTimed(r *splitRun, b *vec.Batch, record func(int) int) error {
	m, g := &s.marks, r.gen
	b, err := s.checkRowTime(r, b, record)
	if err != nil || b.Len() == 0 {
		return err
	}
	g.idle, g.last, m.idle = false, s.t.now, false
	v, err := s.wmExpr.Eval(s.fn, b, nil)
	if err != nil {
		return s.rowFault(r, err, record)
	}
	rows := timed{
		ts: micros(b.Col(s.scan.Watermark.Column)), wm: micros(v.Arr), nulls: vec.NullsOf(v.Arr), constant: v.Const,
		limit: s.futureLimit(), others: m.others(g),
	}
	defer func() { r.Watermark = g.wm }()
	top := rows.greatest(g.wm)
	to := m.passable(m.merged, min(top, rows.others))
	settled := m.passable(m.merged, min(g.wm, rows.others)) == m.merged
	if !s.scan.Watermark.EachRow && (to == m.merged || settled && rows.ordered()) {
		g.wm = top
		if err := s.push(b); err != nil {
			return err
		}
	} else if to, err = s.emitCut(b, g, &rows); err != nil {
		return err
	}
	m.group.move(g, g.wm)
	if to > m.merged {
		return s.pass(to)
	}
	return nil
}

// emitCut goes row by row. It leaves the last watermark to its caller.
func (s *source) emitCut(b *vec.Batch, g *generator, rows *timed) (types.Time, error) {
	m := &s.marks
	to, start := m.merged, 0
	for i := range rows.ts {
		if to > m.merged && (s.scan.Watermark.EachRow || types.FromMicros(rows.ts[i]) <= to) {
			if err := s.push(b.Slice(start, i)); err != nil {
				return 0, err
			}
			if err := s.pass(to); err != nil {
				return 0, err
			}
			start = i
		}
		g.wm = rows.after(i, g.wm)
		to = m.passable(to, min(g.wm, rows.others))
	}
	return to, s.push(b.Slice(start, b.Len()))
}

// checkRowTime deals with rows whose row time is NULL, by the table's policy.
func (s *source) checkRowTime(r *splitRun, b *vec.Batch, record func(int) int) (*vec.Batch, error) {
	col := b.Col(s.scan.Watermark.Column)
	if col.NullN() == 0 {
		return b, nil
	}
	keep := make([]int32, 0, b.Len())
	for i := range b.Len() {
		if !col.IsNull(i) {
			keep = append(keep, int32(i))
			continue
		}
		cause := fmt.Errorf("the row-time column %q is NULL", s.scan.Out[s.scan.Watermark.Column].Name)
		switch {
		case !s.policy.fails():
			if err := s.rejectRow(r, b, record, i, connectors.RejectNullRowTime, cause, s.out); err != nil {
				return nil, err
			}
		case s.scan.Common.NullRowTime == "drop":
			s.stats.rejected.Add(1)
			s.stats.reasons.add(connectors.RejectNullRowTime, 1)
		default:
			err := fmt.Errorf("%w; set 'scan.watermark.null-rowtime' = 'drop' to drop such rows", cause)
			return nil, s.rowFault(r, &fn.RowError{Row: i, Err: err}, record)
		}
	}
	return vec.TakeBatch(b, keep), nil
}

// futureLimit is the row time, in microseconds, beyond which a row does not move the watermark.
func (s *source) futureLimit() int64 {
	if s.marks.skew <= 0 {
		return never
	}
	return s.t.now + s.marks.skew.Microseconds()
}

// micros is the microseconds of a timestamp column.
func micros(a arrow.Array) []int64 {
	if a.DataType().ID() == arrow.STRUCT {
		us, _ := vec.NanosOf(a)
		return us
	}
	return vec.Values[int64](a)
}

// timed is the row times and watermarks of a batch, in microseconds.
type timed struct {
	ts, wm   []int64
	nulls    vec.Nulls // of wm
	constant bool      // wm has one value, for all rows
	limit    int64
	others   types.Time
}

// plain tells whether every row has a watermark of its own that counts.
func (t *timed) plain() bool {
	return !t.constant && !t.nulls.Any() && t.limit == never
}

// ordered tells whether certainly no row is late against a watermark that a row before it in the batch caused. It
// compares microseconds, so rows within a millisecond of the watermark are left for the exact look.
func (t *timed) ordered() bool {
	if !t.plain() {
		return false
	}
	capped, top := t.others.Micros(), int64(math.MinInt64)
	wm := t.wm[:len(t.ts)]
	for i, ts := range t.ts {
		if min(top, capped) > ts-1000 {
			return false
		}
		top = max(top, wm[i])
	}
	return true
}

// greatest is the generator's watermark after all rows.
func (t *timed) greatest(wm types.Time) types.Time {
	if !t.plain() {
		for i := range t.ts {
			wm = t.after(i, wm)
		}
		return wm
	}
	most := t.wm[0]
	for _, us := range t.wm {
		most = max(most, us)
	}
	return max(wm, types.FromMicros(most))
}

// after is the generator's watermark after row i.
func (t *timed) after(i int, wm types.Time) types.Time {
	if t.ts[i] > t.limit {
		return wm
	}
	if t.constant {
		i = 0
	}
	if t.nulls.Any() && t.nulls.Is(i) {
		return wm
	}
	return max(wm, types.FromMicros(t.wm[i]))
}
