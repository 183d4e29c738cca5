package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/exec/expr"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// cachedTable is a bounded table read into memory: the full cache of a lookup join. The instances of
// one operator share it. Once it is there it is loaded anew beside the rows that flow on; where that
// fails its rows are used on, since old ones are worth more than none, and it is tried again.
type cachedTable struct {
	a    *assembly
	scan *planner.Scan

	mu      sync.Mutex
	rows    *vec.Batch
	next    int64 // microseconds: when it is loaded anew
	loading bool

	board sync.Mutex // of seen, which is read while the table is loaded
	seen  ReferenceStats
}

// maxCachedRows bounds a full cache.
const maxCachedRows = 50_000_000

// lookupTable gives the cache of a lookup join's table, one for all its instances.
func (a *assembly) lookupTable(n *planner.LookupJoin) *cachedTable {
	if a.lookups == nil {
		a.lookups = map[*planner.LookupJoin]*cachedTable{}
	}
	if a.lookups[n] == nil {
		a.lookups[n] = &cachedTable{a: a, scan: n.Scan}
	}
	return a.lookups[n]
}

// Rows loads the table at the first call, and begins to load it anew when its reload interval has passed.
func (c *cachedTable) Rows(now int64) (*vec.Batch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows == nil {
		rows, took, err := c.timedLoad()
		c.loaded(rows, took, now, err)
		if err != nil {
			return nil, c.named(err)
		}
	}
	if c.scan.Common.LookupReload <= 0 || now < c.next || c.loading {
		return c.rows, nil
	}
	if c.a.single { // the simulator has one goroutine
		rows, took, err := c.timedLoad()
		c.loaded(rows, took, now, err)
		return c.rows, nil
	}
	c.loading = true
	go c.reload()
	return c.rows, nil
}

// reload loads the table anew while others use its rows.
func (c *cachedTable) reload() {
	began := c.a.run.clock().UnixMicro()
	var rows *vec.Batch
	var took time.Duration
	var err error
	defer func() {
		if p := recover(); p != nil { // it runs in no task, where a bug would fail the job
			err = panicked(c.scan.Table.Path[2], p)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.loading = false
		c.loaded(rows, took, began, err)
	}()
	rows, took, err = c.timedLoad()
}

func (c *cachedTable) timedLoad() (*vec.Batch, time.Duration, error) {
	began := c.a.run.clock()
	rows, err := c.load(c.a.ctx)
	return rows, c.a.run.clock().Sub(began), err
}

// loaded takes in what loading gave. The caller holds the lock.
func (c *cachedTable) loaded(rows *vec.Batch, took time.Duration, at int64, err error) {
	c.next = at + c.scan.Common.LookupReload.Microseconds()
	c.board.Lock()
	defer c.board.Unlock()
	if err != nil {
		c.seen.Failures++
		c.seen.Error = err.Error()
		if c.rows != nil && c.a.ctx.Err() == nil {
			c.a.run.env.Logger.Warn("a reference table could not be loaded anew, its old rows are used", "table", c.scan.Table.Path[2],
				"age", (time.Duration(at-c.seen.Loaded.UnixMicro()) * time.Microsecond).Round(time.Millisecond).String(), "error", err.Error())
		}
		return
	}
	c.rows = rows
	c.seen.Rows, c.seen.Loaded, c.seen.Took, c.seen.Error = int64(rows.Len()), time.UnixMicro(at), took, ""
	c.seen.Loads++
}

func (c *cachedTable) named(err error) error {
	return fmt.Errorf("lookup table %q: %w", c.scan.Table.Path[2], err)
}

func (c *cachedTable) stats() ReferenceStats {
	c.board.Lock()
	defer c.board.Unlock()
	s := c.seen
	s.Table = c.scan.Table.Path[2]
	return s
}

func (c *cachedTable) load(ctx context.Context) (*vec.Batch, error) {
	_, src, err := c.a.openSource(c.scan)
	if err != nil {
		return nil, err
	}
	if !src.Bounded() {
		return nil, errors.New("its source goes on for ever, so it cannot be loaded as a whole")
	}
	l := &loader{scan: c.scan, src: src}
	if l.dec, err = src.Decoder(); err != nil {
		return nil, err
	}
	if l.exprs, err = expr.CompileAll(c.scan.Exprs); err != nil {
		return nil, err
	}
	splits, err := src.Splits(ctx)
	if err != nil {
		return nil, err
	}
	l.fn = c.a.fnCtx()
	l.fn.NowMicros = c.a.run.clock().UnixMicro()
	for _, sp := range splits {
		if err := l.split(ctx, sp); err != nil {
			return nil, err
		}
	}
	if len(l.parts) == 0 {
		return emptyBatch(c.scan.Out), nil
	}
	return vec.Concat(l.parts...), nil
}

func emptyBatch(out types.Schema) *vec.Batch {
	cols := make([]arrow.Array, len(out))
	for i, col := range out {
		cols[i] = vec.NewBuilder(col.Type).Array()
	}
	return vec.New(out.Arrow(), cols, 0, nil)
}

// loader reads a whole table.
type loader struct {
	scan  *planner.Scan
	src   connectors.Source
	dec   connectors.Decoder
	exprs []expr.Eval
	fn    *fn.Ctx
	parts []*vec.Batch
	n     int
}

// split reads one split to its end.
func (l *loader) split(ctx context.Context, sp connectors.Split) error {
	r, err := l.src.Read(ctx, sp, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	switch r := r.(type) {
	case connectors.BatchReader:
		for {
			b, _, err := r.NextBatch(ctx, defaultBatchRows)
			if b != nil {
				if err := l.add(b); err != nil {
					return err
				}
			}
			if done, err := l.over(ctx, b == nil, err); done {
				return err
			}
		}
	case connectors.Reader:
		var c connectors.Chunk
		for {
			err := r.Next(ctx, &c)
			n := 0
			if err == nil {
				n = c.Len()
			}
			if n > 0 {
				if err := l.chunk(&c); err != nil {
					return err
				}
			}
			if done, err := l.over(ctx, n == 0, err); done {
				return err
			}
		}
	}
	panic("exec: a split reader is neither a Reader nor a BatchReader")
}

// over tells whether a split has ended. A pause without rows is waited out.
func (l *loader) over(ctx context.Context, idle bool, err error) (bool, error) {
	switch {
	case errors.Is(err, io.EOF):
		return true, nil
	case err != nil:
		return true, err
	case idle:
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return false, nil
}

func (l *loader) chunk(c *connectors.Chunk) error {
	var d connectors.Decoded
	if err := l.dec.Decode(c, 0, c.Len(), &d); err != nil {
		return err
	}
	for _, bad := range d.Rejects {
		if l.scan.Common.ErrorMode == "fail" || l.scan.Common.ErrorMode == "" {
			return fmt.Errorf("%s: %w", c.Describe(bad.Record), bad.Err)
		}
	}
	cols := d.Cols
	for _, m := range c.Meta {
		if d.Record != nil {
			m = vec.Take(m, d.Record)
		}
		cols = append(cols, m)
	}
	raw := append(types.Schema(nil), l.scan.Columns...)
	for i, key := range l.scan.Meta {
		raw = append(raw, types.Column{Name: key, Type: metaType(l.scan, i, key)})
	}
	return l.add(vec.New(raw.Arrow(), cols, d.N, d.Kinds))
}

// add computes the table's columns of some rows and keeps them. A table of changes is refused: its rows
// are not known before its end.
func (l *loader) add(b *vec.Batch) error {
	if b.Kinds != nil {
		return errors.New("it gives changes, not rows")
	}
	if l.n += b.Len(); l.n > maxCachedRows {
		return fmt.Errorf("it has more than %d rows", maxCachedRows)
	}
	if l.scan.Exprs != nil {
		cols, err := expr.Columns(l.exprs, l.fn, b, nil)
		if err != nil {
			return err
		}
		b = vec.New(l.scan.Out.Arrow(), cols, b.Len(), nil)
	}
	if b.Len() > 0 {
		l.parts = append(l.parts, b)
	}
	return nil
}
