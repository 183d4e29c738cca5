// Package option binds a connector's or format's options as package flag binds flags: one line says
// name, type, default, documentation and target, and everything else (decoding, validation, "did you
// mean", docs, completion) is derived from it.
package option

// Set is the options of one table, being bound.
type Set struct{}
