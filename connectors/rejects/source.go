package rejects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"sort"
	"strings"
	"time"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Name is the connector of t$errors and t$late.
const Name = "rejects"

// Connector reads a store. Sessions have it for the tables t$errors and t$late; nobody declares tables of it.
func (s *Store) Connector() connectors.Connector {
	return connectors.Connector{
		Name: Name,
		Doc: "What a table rejected: `t$errors` and `t$late` are tables of this connector. Reading gives what has come so far and what follows; " +
			"`'scan.bounded.mode' = 'latest'` ends with what is there.",
		Example: "SELECT * FROM bids$errors /*+ OPTIONS('scan.bounded.mode' = 'latest') */",
		New:     func() connectors.Config { return &config{store: s} },
	}
}

type config struct {
	store   *Store
	table   string // catalog.database.table, each escaped as in URLs
	kind    string
	bounded string
}

var _ connectors.Reads = (*config)(nil)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.String(&c.table, "table", "", "The table that rejected them, as catalog/database/table.").Must()
	o.Enum(&c.kind, "kind", "errors", []string{"errors", "late"}, "Bad records and rows, or late rows.")
	o.Enum(&c.bounded, "scan.bounded.mode", "unbounded", []string{"unbounded", "latest"}, "`latest` ends with what is there when reading begins.")
}

// TableOption is how the connector's option names a table.
func TableOption(t [3]string) string { return path.Join(escape(t[0]), escape(t[1]), escape(t[2])) }

// Metadata and SourceMode implement connectors.Reads.
func (c *config) Metadata() []connectors.MetadataKey { return nil }
func (c *config) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	return types.AppendMode, nil
}

// Source implements connectors.Reads.
func (c *config) Source(_ *connectors.TableDesc, scan connectors.Scan, _ *connectors.Env) (connectors.Source, error) {
	return &source{store: c.store, dir: path.Join(c.table, c.kind), late: c.kind == "late", table: lastPart(c.table), bounded: c.bounded == "latest", cols: scan.Columns}, nil
}

func lastPart(table string) string {
	name, err := url.PathUnescape(path.Base(table))
	if err != nil {
		return table
	}
	return name
}

// source has one split: the folder.
type source struct {
	store   *Store
	dir     string
	table   string
	late    bool
	bounded bool
	cols    types.Schema
}

// Splits, Discovery, Bounded, PerSplitWatermarks and Decoder implement connectors.Source.
func (s *source) Splits(context.Context) ([]connectors.Split, error) {
	return []connectors.Split{{ID: "rejects"}}, nil
}
func (s *source) Discovery() time.Duration             { return 0 }
func (s *source) Bounded() bool                        { return s.bounded }
func (s *source) Immediate() bool                      { return true }
func (s *source) PerSplitWatermarks() bool             { return true }
func (s *source) Decoder() (connectors.Decoder, error) { return nil, nil }

// Read implements connectors.Source. An offset is the place in each file.
func (s *source) Read(_ context.Context, _ connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	r := &reader{s: s, at: map[string]int64{}}
	if from != nil {
		if err := json.Unmarshal(from, &r.at); err != nil {
			return nil, errors.New("the checkpoint's position in rejected records is damaged")
		}
	}
	return r, nil
}

// reader polls a folder: other processes may write to it.
type reader struct {
	s      *source
	at     map[string]int64
	gone   map[string]bool
	goneBy string // the file that gone is of
}

// pause is how long a reader that found nothing waits before it looks again.
const pause = 100 * time.Millisecond

// NextBatch implements connectors.BatchReader.
func (r *reader) NextBatch(ctx context.Context, limit int) (*vec.Batch, connectors.Offset, error) {
	list, err := r.look(limit)
	if err != nil {
		return nil, nil, err
	}
	if len(list) > 0 {
		b := vec.New(r.s.cols.Arrow(), connectors.RejectedRows(list, r.s.cols), len(list), nil)
		off, err := json.Marshal(r.at)
		return b, off, err
	}
	if r.s.bounded {
		return nil, nil, io.EOF
	}
	return nil, nil, connectors.Sleep(ctx, pause)
}

// look gives what no look has given yet, at most limit records.
func (r *reader) look(limit int) ([]*connectors.Rejected, error) {
	all, err := r.s.store.files.list(r.s.dir)
	if err != nil {
		return nil, err
	}
	if err := r.loadGone(all); err != nil {
		return nil, err
	}
	sort.Slice(all, func(i, j int) bool { // about in order of time
		a, b := all[i], all[j]
		return a.changed < b.changed || a.changed == b.changed && a.name < b.name
	})
	there := map[string]bool{}
	var out []*connectors.Rejected
	for _, f := range all {
		if !strings.HasSuffix(f.name, ending) || strings.HasPrefix(f.name, gonePrefix) {
			continue
		}
		there[f.name] = true
		r.at[f.name] = min(r.at[f.name], f.size) // a restart cut it off
		if f.size == r.at[f.name] || len(out) >= limit {
			continue
		}
		err := r.s.store.readIn(r.s.dir, f.name, r.at[f.name], func(x *connectors.Rejected, _, next int64) error {
			if len(out) >= limit {
				return errEnough
			}
			r.at[f.name] = next
			if !r.gone[x.ID] {
				x.Late, x.Table[2] = r.s.late, r.s.table
				out = append(out, x)
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
	}
	for name := range r.at {
		if !there[name] {
			delete(r.at, name)
		}
	}
	return out, nil
}

var errEnough = errors.New("enough")

func (r *reader) loadGone(all []file) (err error) {
	newest := ""
	for _, f := range all {
		if strings.HasPrefix(f.name, gonePrefix) {
			newest = max(newest, fmt.Sprint(f.name, f.size))
		}
	}
	if newest != r.goneBy {
		r.gone, err = r.s.store.gone(r.s.dir, all)
		r.goneBy = newest
	}
	return err
}

// Close implements connectors.SplitReader.
func (r *reader) Close() error { return nil }
