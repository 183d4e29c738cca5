// Package docs is the pages; those generated from the code are written by go generate, and a test
// says when they have drifted.
package docs

//go:generate go run ../cmd/weir docs .
