// Package memory keeps tables in memory: tests feed them, queries read and write them.
//
// Contract: a Tables belongs to its session; nothing is global. It is safe for concurrent use. Rows
// are visible to readers once fed, or once a sink's output is committed; committing twice adds once.
package memory

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Tables is the tables of one session.
type Tables struct {
	mu     sync.Mutex
	tables map[string]*Table
}

// NewTables makes a registry without tables.
func NewTables() *Tables { return &Tables{tables: map[string]*Table{}} }

// Table gives the table of that name, made at the first call. Names are those of TableDesc, or of
// the option 'table-name'.
func (ts *Tables) Table(name string) *Table {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := ts.tables[name]
	if t == nil {
		t = &Table{parts: [][]*vec.Batch{nil}, open: []int{0}, parents: map[int][]int{}, staged: map[string][]*vec.Batch{}, changed: make(chan struct{})}
		ts.tables[name] = t
	}
	return t
}

// Connector gives the connector of these tables.
func (ts *Tables) Connector() connectors.Connector {
	return connectors.Connector{
		Name: "memory",
		Doc: "A table that lives as long as the session: INSERT adds rows, tests feed them, queries read them in order. Reading ends with the last row, " +
			"unless `'bounded' = 'false'` waits for more. Rows written show up at each checkpoint and at the end, each once.",
		Example: "CREATE TABLE bids (\n  ts TIMESTAMP(3),\n  price BIGINT,\n  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND\n) WITH (\n  'connector' = 'memory'\n)",
		New:     func() connectors.Config { return &config{tables: ts} },
	}
}

// Table is the rows of one table, in one or more splits.
type Table struct {
	mu      sync.Mutex
	parts   [][]*vec.Batch
	ended   bool
	staged  map[string][]*vec.Batch // by token; waits for Commit
	next    int                     // token
	changed chan struct{}           // closed at each change
	parents map[int][]int           // of splits that came of others
	open    []int                   // splits that rows are fed to
	held    []int64                 // rows of each split that readers see; nil: all
}

// Feed appends rows to a split (0 is always there). The batch has the table's physical columns, then
// its metadata columns.
func (t *Table) Feed(split int, b *vec.Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.parts) <= split {
		t.parts = append(t.parts, nil)
	}
	if b.Len() > 0 {
		t.parts[split] = append(t.parts[split], b)
	}
	t.wake()
}

// Reshard ends the splits that rows are fed to: n new ones come in their place, read when these are read to their end.
func (t *Table) Reshard(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.open
	t.open = nil
	for range n {
		t.parents[len(t.parts)] = was
		t.open = append(t.open, len(t.parts))
		t.parts = append(t.parts, nil)
	}
	t.wake()
}

// Open lists the splits that rows are fed to.
func (t *Table) Open() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.open)
}

// Sizes counts the rows of each split.
func (t *Table) Sizes() []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]int64, len(t.parts))
	for i, batches := range t.parts {
		for _, b := range batches {
			out[i] += int64(b.Len())
		}
	}
	return out
}

// Hold lets readers see only so many rows of each split, as if the rest had not been fed yet; a split that Hold does not count
// has none. Nil lets them see all.
func (t *Table) Hold(rows []int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = rows
	t.wake()
}

// End tells readers of an unbounded table that nothing more comes.
func (t *Table) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.wake()
}

// Clear takes all rows away.
func (t *Table) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parts, t.ended, t.open, t.held = [][]*vec.Batch{nil}, false, []int{0}, nil
	clear(t.parents)
	t.wake()
}

// Rows gives all batches, split by split.
func (t *Table) Rows() []*vec.Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Concat(t.parts...)
}

func (t *Table) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *Table) mode() types.ChangelogMode {
	mode := types.AppendMode
	for _, b := range t.Rows() {
		for _, k := range b.Kinds {
			mode = mode.With(k)
		}
	}
	switch {
	case mode.Has(types.UpdateBefore):
		return types.RetractMode
	case mode.Has(types.UpdateAfter):
		return types.UpsertMode
	case mode.Has(types.Delete):
		return types.AppendMode.With(types.Delete)
	}
	return mode
}

type config struct {
	tables  *Tables
	name    string
	bounded bool
	mode    string
}

var (
	_ connectors.Reads   = (*config)(nil)
	_ connectors.Writes  = (*config)(nil)
	_ connectors.LooksUp = (*config)(nil)
)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.String(&c.name, "table-name", "", "Name of the rows; by default the table's own. Tables of one name share their rows.")
	o.Bool(&c.bounded, "bounded", true, "Reading ends with the last row; else it waits for more.")
	o.String(&c.mode, "changelog-mode", "", "Row kinds that reading gives, such as `I`, `I,UA,D` or `I,UB,UA,D`; by default those of the rows there are.")
}

func (c *config) table(t *connectors.TableDesc) *Table {
	if c.name != "" {
		return c.tables.Table(c.name)
	}
	return c.tables.Table(t.Name)
}

// Metadata implements connectors.Reads: none; the columns fed are all there is.
func (c *config) Metadata() []connectors.MetadataKey { return nil }

// WritableMetadata implements connectors.Writes.
func (c *config) WritableMetadata() []connectors.MetadataKey { return nil }

// SourceMode implements connectors.Reads.
func (c *config) SourceMode(t *connectors.TableDesc) (types.ChangelogMode, error) {
	if c.mode == "" {
		return c.table(t).mode(), nil
	}
	return parseMode(c.mode)
}

func parseMode(text string) (types.ChangelogMode, error) {
	var mode types.ChangelogMode
	kinds := map[string]types.RowKind{"I": types.Insert, "UB": types.UpdateBefore, "UA": types.UpdateAfter, "D": types.Delete}
	for _, part := range strings.Split(text, ",") {
		k, ok := kinds[strings.ToUpper(strings.TrimSpace(part))]
		if !ok {
			return 0, fmt.Errorf("option \"changelog-mode\": %q is none of I, UB, UA, D", strings.TrimSpace(part))
		}
		mode = mode.With(k)
	}
	return mode, nil
}

// SinkMode implements connectors.Writes: every changelog is kept as it comes.
func (c *config) SinkMode(_ *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	return requested, nil
}

// Source implements connectors.Reads.
func (c *config) Source(t *connectors.TableDesc, scan connectors.Scan, _ *connectors.Env) (connectors.Source, error) {
	s := &source{table: c.table(t), bounded: c.bounded, schema: scan.Columns.Arrow()}
	for _, want := range scan.Columns {
		i := t.Columns.Index(want.Name)
		if i < 0 {
			return nil, fmt.Errorf("table %s has no column %q", t.Name, want.Name)
		}
		s.cols = append(s.cols, i)
		s.have = append(s.have, t.Columns[i].Type)
		s.want = append(s.want, want.Type)
	}
	return s, nil
}

// Sink implements connectors.Writes.
func (c *config) Sink(t *connectors.TableDesc, _ *connectors.Env, instance, _ int) (connectors.Sink, error) {
	return &sink{table: c.table(t), instance: instance}, nil
}
