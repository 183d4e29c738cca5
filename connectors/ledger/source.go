package ledger

import (
	"context"
	"io"
	"time"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Name is the connector of sys.calls.
const Name = "ledger"

// Connector reads a store. Sessions have it for the table sys.calls; nobody declares tables of it.
func (s *Store) Connector() connectors.Connector {
	return connectors.Connector{
		Name:    Name,
		Doc:     "What lookups, models and sinks asked of services outside: the table `sys.calls` is of this connector. A query reads what was counted so far.",
		Example: "SELECT endpoint, calls, failures, p99_ms FROM sys.calls",
		New:     func() connectors.Config { return &config{s} },
	}
}

type config struct{ store *Store }

var _ connectors.Reads = (*config)(nil)

// Options implements connectors.Config.
func (c *config) Options(*option.Set) {}

// Metadata and SourceMode implement connectors.Reads.
func (c *config) Metadata() []connectors.MetadataKey { return nil }
func (c *config) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	return types.AppendMode, nil
}

// Source implements connectors.Reads.
func (c *config) Source(_ *connectors.TableDesc, scan connectors.Scan, _ *connectors.Env) (connectors.Source, error) {
	return &source{c.store, scan.Columns}, nil
}

// source has one split, of one batch.
type source struct {
	store *Store
	cols  types.Schema
}

// Splits, Discovery, Bounded, Immediate, PerSplitWatermarks and Decoder implement connectors.Source.
func (s *source) Splits(context.Context) ([]connectors.Split, error) {
	return []connectors.Split{{ID: "ledger"}}, nil
}
func (s *source) Discovery() time.Duration             { return 0 }
func (s *source) Bounded() bool                        { return true }
func (s *source) Immediate() bool                      { return true }
func (s *source) PerSplitWatermarks() bool             { return false }
func (s *source) Decoder() (connectors.Decoder, error) { return nil, nil }

// Read implements connectors.Source. An offset is a byte once all is read.
func (s *source) Read(_ context.Context, _ connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	r := &reader{s: s}
	if from != nil {
		return r, nil
	}
	var err error
	r.rest, err = s.store.Entries()
	return r, err
}

type reader struct {
	s    *source
	rest []connectors.UsageRow
}

// NextBatch implements connectors.BatchReader.
func (r *reader) NextBatch(_ context.Context, limit int) (*vec.Batch, connectors.Offset, error) {
	if len(r.rest) == 0 {
		return nil, nil, io.EOF
	}
	list := r.rest[:min(limit, len(r.rest))]
	r.rest = r.rest[len(list):]
	return connectors.UsageRows(list, r.s.cols), connectors.Offset{1}, nil
}

// Close implements connectors.SplitReader.
func (r *reader) Close() error { return nil }
