package planner

import "time"

// Settings are the session's settings that planning and running read, resolved to their types. The
// list of settings with names, defaults and docs is the session's.
type Settings struct {
	Zone         *time.Location // table.local-time-zone
	Parallelism  int            // parallelism.default
	Batch        bool           // execution.runtime-mode
	StateTTL     time.Duration  // table.exec.state.ttl
	IdleTimeout  time.Duration  // table.exec.source.idle-timeout
	IdleAdvance  time.Duration  // table.exec.source.idle-advance
	WatermarkGap time.Duration  // pipeline.auto-watermark-interval
	NotNullDrop  bool           // table.exec.sink.not-null-enforcer = DROP
	Duplicates   bool           // table.exec.source.cdc-events-duplicate
	BatchRows    int            // rows a batch at most (0: the default, 4096)
	TwoPhase     bool           // table.optimizer.agg-phase-strategy allows local/global
	DefaultTZ    string
	JobName      string // pipeline.name
	Database     string // the session's current database
	Emit         EmitSettings
	MiniBatch    MiniBatch
	// SplitDistinct is the number of buckets of table.optimizer.distinct-agg.split.*; 0: it is off.
	SplitDistinct int64
	Lookup        LookupSettings
	Predict       LookupSettings // table.exec.async-ml-predict.*
}

// LookupSettings are table.exec.async-lookup.*: how tables are asked by key.
type LookupSettings struct {
	Unordered bool
	Capacity  int
	Timeout   time.Duration
}

// EmitSettings are table.exec.emit.*: when group windows give results beside their end.
type EmitSettings struct {
	Early, Late bool
	// The delays are negative where they are not set, as is the lateness.
	EarlyDelay, LateDelay, Lateness time.Duration
}
