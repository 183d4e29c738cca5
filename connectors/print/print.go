// Package print is the sink that writes each row as a line, as Flink's print connector does:
// "+I[7, OK, 2024-05-01T12:00]".
//
// Contract: lines go to Env.Stdout, whole and with their line feed; instances may write at the same
// time. Rows are written as they come: at-least-once after a restart.
package print

import (
	"context"
	"fmt"

	"weir/connectors"
	"weir/connectors/format"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Connector declares the connector.
var Connector = connectors.Connector{
	Name: "print",
	Doc: "Writes each row as a line to the standard output, with its kind: `+I[7, OK]`. With `print-identifier` the line begins with it, " +
		"and where there are several writers with the writer's number: `out:2> +I[7, OK]`. After a restart rows may be printed again.",
	Example: "CREATE TABLE out (\n  sensor_id INT,\n  status STRING\n) WITH (\n  'connector' = 'print',\n  'print-identifier' = 'out'\n)",
	New:     func() connectors.Config { return new(config) },
}

type config struct {
	identifier string
}

var _ connectors.Writes = (*config)(nil)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.String(&c.identifier, "print-identifier", "", "Written before each line.")
	o.Unused("standard-error", "all lines go to the standard output.")
}

// SinkMode implements connectors.Writes: it takes every changelog.
func (*config) SinkMode(_ *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	return requested, nil
}

// WritableMetadata implements connectors.Writes.
func (*config) WritableMetadata() []connectors.MetadataKey { return nil }

// Sink implements connectors.Writes.
func (c *config) Sink(t *connectors.TableDesc, env *connectors.Env, instance, parallelism int) (connectors.Sink, error) {
	return &sink{prefix: prefix(c.identifier, instance, parallelism), cols: t.Columns, env: env}, nil
}

func prefix(identifier string, instance, parallelism int) string {
	switch {
	case parallelism > 1 && identifier != "":
		return fmt.Sprintf("%s:%d> ", identifier, instance+1)
	case parallelism > 1:
		return fmt.Sprintf("%d> ", instance+1)
	case identifier != "":
		return identifier + "> "
	}
	return ""
}

type sink struct {
	prefix string
	cols   types.Schema
	env    *connectors.Env
	line   []byte
}

// Write implements connectors.Sink.
func (s *sink) Write(ctx context.Context, b *vec.Batch) error {
	for i := range b.Len() {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		s.line = append(s.line[:0], s.prefix...)
		s.line = append(format.AppendRow(s.line, s.cols, b, i), '\n')
		s.env.Stdout(s.line)
	}
	return nil
}

// Flush, Commit and Close implement connectors.Sink.
func (s *sink) Flush(context.Context) (token []byte, _ error) { return nil, nil }
func (s *sink) Commit(context.Context, []byte) error          { return nil }
func (s *sink) Close() error                                  { return nil }
