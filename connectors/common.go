package connectors

import "time"

// Common is the options that every source or sink table takes, whatever its connector.
type Common struct {
	ErrorMode      string        // error-handling.mode: fail, ignore or log
	ErrorTarget    string        // error-handling.log.target: table of rejected rows
	LateMode       string        // late-handling.mode
	IdleTimeout    time.Duration // scan.watermark.idle-timeout; 0: the session's table.exec.source.idle-timeout
	MaxFutureSkew  time.Duration // scan.watermark.max-future-skew; 0: no guard
	NullRowTime    string        // scan.watermark.null-rowtime: fail or drop
	AlignmentGroup string        // scan.watermark.alignment.group
	MaxDrift       time.Duration // scan.watermark.alignment.max-drift
}
