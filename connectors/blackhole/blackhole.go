// Package blackhole is the sink that takes rows and keeps none: it measures queries.
//
// Contract: every column of every row is made before it gets here; nothing upstream is left out.
package blackhole

import (
	"context"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Connector declares the connector.
var Connector = connectors.Connector{
	Name:    "blackhole",
	Doc:     "Takes rows and drops them. Use it to measure a query or to keep it running.",
	Example: "CREATE TABLE nothing (\n  sensor_id INT,\n  status STRING\n) WITH (\n  'connector' = 'blackhole'\n)",
	New:     func() connectors.Config { return new(config) },
}

type config struct{}

var _ connectors.Writes = (*config)(nil)

// Options implements connectors.Config: there are none.
func (*config) Options(*option.Set) {}

// SinkMode implements connectors.Writes.
func (*config) SinkMode(_ *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	return requested.Without(types.UpdateBefore), nil
}

// WritableMetadata implements connectors.Writes.
func (*config) WritableMetadata() []connectors.MetadataKey { return nil }

// Sink implements connectors.Writes.
func (*config) Sink(*connectors.TableDesc, *connectors.Env, int, int) (connectors.Sink, error) {
	return sink{}, nil
}

type sink struct{}

// Write, Flush, Commit and Close implement connectors.Sink.
func (sink) Write(context.Context, *vec.Batch) error       { return nil }
func (sink) Flush(context.Context) (token []byte, _ error) { return nil, nil }
func (sink) Commit(context.Context, []byte) error          { return nil }
func (sink) Close() error                                  { return nil }
