package connectors

import (
	"context"
	"time"

	"weir/connectors/option"
)

// Common is the options that every source or sink table takes, whatever its connector.
type Common struct {
	Connector      string        // connector
	ErrorMode      string        // error-handling.mode: fail, ignore or log
	ErrorTarget    string        // error-handling.log.target: table of rejected rows
	LateMode       string        // late-handling.mode: drop or log
	LateTarget     string        // late-handling.log.target: table of late rows
	IdleTimeout    time.Duration // scan.watermark.idle-timeout; 0: the session's table.exec.source.idle-timeout
	IdleAdvance    time.Duration // scan.watermark.idle-advance; 0: the session's table.exec.source.idle-advance
	MaxFutureSkew  time.Duration // scan.watermark.max-future-skew; 0: no guard
	NullRowTime    string        // scan.watermark.null-rowtime: fail or drop
	LookupReload   time.Duration // lookup.full-cache.periodic-reload.interval; 0: loaded once
	LookupCache    string        // lookup.cache: NONE, PARTIAL or FULL; empty: FULL of a table that is read, NONE of one that is asked
	PartialCache   PartialCache  // lookup.partial-cache.*
	LookupRetries  int           // lookup.max-retries
	LookupOnError  string        // lookup.on-error: fail, null or log
	AlignmentGroup string        // scan.watermark.alignment.group
	MaxDrift       time.Duration // scan.watermark.alignment.max-drift
}

// PartialCache says how long answers of a table that is asked by key are kept; without MaxRows none are.
type PartialCache struct {
	MaxRows     int64         // lookup.partial-cache.max-rows
	AfterWrite  time.Duration // lookup.partial-cache.expire-after-write; 0: never
	AfterAccess time.Duration // lookup.partial-cache.expire-after-access; 0: never
	Missing     bool          // lookup.partial-cache.cache-missing-key
}

// Options implements option.Config. The planner binds it beside the connector's own Config.
func (c *Common) Options(o *option.Set) {
	o.String(&c.Connector, "connector", "", "The connector's name.").Must()
	o.Enum(&c.ErrorMode, "error-handling.mode", "fail", []string{"fail", "ignore", "log"},
		"What a bad record or row does: fail the query, be dropped and counted, or become a row of the table's `$errors`. Of a source: records that cannot be decoded, rows that a projection or a condition fails on, rows without event time. Of a sink: NULL in a NOT NULL column, numbers out of range, rows that the sink refuses.")
	o.String(&c.ErrorTarget, "error-handling.log.target", "", "Table that takes the bad rows instead, with `'error-handling.mode' = 'log'`: its columns are some of those of `$errors`.")
	o.Enum(&c.LateMode, "late-handling.mode", "drop", []string{"drop", "log"},
		"What a row behind the watermark does where it is too late to count: be dropped and counted, or become a row of the table's `$late`.")
	o.String(&c.LateTarget, "late-handling.log.target", "", "Table that takes the late rows instead, with `'late-handling.mode' = 'log'`: its columns are some of those of `$late`.")
	o.Duration(&c.IdleTimeout, "scan.watermark.idle-timeout", 0, "After so long without a record a split no longer holds the watermark back.")
	o.Duration(&c.IdleAdvance, "scan.watermark.idle-advance", 0, "After so long without a record the watermark of a split moves on with the clock, so that the last windows end; 0 takes table.exec.source.idle-advance.")
	o.Duration(&c.MaxFutureSkew, "scan.watermark.max-future-skew", 0, "Rows whose event time is further ahead of the clock do not move the watermark; 0 is no limit.")
	o.Enum(&c.NullRowTime, "scan.watermark.null-rowtime", "fail", []string{"fail", "drop"}, "What a row without event time does where bad ones fail the query: fail it too, or be dropped and counted. With another `error-handling.mode` it is a bad row.")
	o.String(&c.AlignmentGroup, "scan.watermark.alignment.group", "", "Sources of one group wait for each other, so that none runs ahead.")
	o.Duration(&c.MaxDrift, "scan.watermark.alignment.max-drift", 0, "How far a source may run ahead of its alignment group, in event time.")
	o.Duration(&c.LookupReload, "lookup.full-cache.periodic-reload.interval", 0, "How often a table that a lookup join holds in memory is loaded anew; 0: once.")
	o.Unused("lookup.full-cache.reload-strategy", "a table is loaded anew every `lookup.full-cache.periodic-reload.interval`.")
	o.Enum(&c.LookupCache, "lookup.cache", "", []string{"", "NONE", "PARTIAL", "FULL"}, "What a lookup join keeps of the table: all of it (FULL), which is so of every table that is read; of one that is asked by key nothing (NONE, the default) or its answers (PARTIAL).")
	o.Int64(&c.PartialCache.MaxRows, "lookup.partial-cache.max-rows", 0, "With `'lookup.cache' = 'PARTIAL'`, how many rows are kept of the answers, of each instance; 0: 100000. The least recently used leave first.")
	o.Duration(&c.PartialCache.AfterWrite, "lookup.partial-cache.expire-after-write", 0, "How long an answer is kept; 0: for ever.")
	o.Duration(&c.PartialCache.AfterAccess, "lookup.partial-cache.expire-after-access", 0, "How long an answer is kept since it was last used; 0: for ever.")
	o.Bool(&c.PartialCache.Missing, "lookup.partial-cache.cache-missing-key", true, "Whether it is kept that a key has no rows.")
	o.Int(&c.LookupRetries, "lookup.max-retries", 3, "How often a request of a lookup join that fails in passing is made again.")
	o.Enum(&c.LookupOnError, "lookup.on-error", "fail", []string{"fail", "null", "log"}, "What a request that failed does: fail the job, count as a key without rows, or have its rows rejected, as `error-handling.mode` of the table that they come from has it.")
	o.Unused("scan.watermark.alignment.update-interval", "alignment is checked at each batch.")
	o.Unused("scan.watermark.emit.strategy", "watermarks follow each row that moves them, see pipeline.auto-watermark-interval.")
	o.Unused("scan.watermark.emit.on-event.gap", "watermarks follow each row that moves them, see pipeline.auto-watermark-interval.")
	o.Unused("scan.parallelism", "parallelism.default holds for sources too.")
	o.Unused("sink.parallelism", "parallelism.default holds for sinks too.")
	o.Unused("property-version", "there is one version.")
}

// Restorer is a Sink that stages output outside of the checkpoint. Restore is called once before the
// first Write of a run that begins from a checkpoint, by one instance with the tokens of all: it
// commits them (as Commit does) and deletes what no token lists.
type Restorer interface {
	Restore(ctx context.Context, tokens [][]byte) error
}

// Overwriter is a Config whose sink can replace a table's content: INSERT OVERWRITE calls it before
// Sink. Of a partitioned table only the partitions written are replaced.
type Overwriter interface {
	Overwrite()
}
