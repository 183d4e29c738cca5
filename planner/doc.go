// Package planner turns statements into plans. It knows tables, types and rules; it never runs.
//
//	ast ── bind (catalog, scopes, types) ──> logical nodes
//	    ── rule_*.go (one rewrite each) ──> logical nodes
//	    ── changelog.go (what each node emits, who needs -U) ──> modes and upsert keys
//	    ── physical.go (exchanges, local/global, IDs) ──> Plan
//
// Everything here is plain data and pure functions of the catalog and the settings: a plan prints as
// EXPLAIN, saves as JSON, and is safe to share between goroutines once made.
//
// Glossary. Watermark: a promise that no row with an earlier time follows. Changelog: rows with kinds
// (+I -U +U -D) whose sum is a table. Upsert key: columns that identify a row of that table. Split: a
// part of a source read in order. Time attribute: the column the watermark or the clock speaks of.
package planner
