// Package tidy is the house rules as a test: import walls, sizes of functions and files, bans, and
// documentation of exported names. It has no code of its own; see tidy_test.go.
package tidy
