// Package expr turns the planner's bound expressions into functions over columns.
//
// Contract: a compiled Eval is immutable, so any number of tasks may share it. Evaluating allocates
// a few columns a call, never memory a row. AND, OR, CASE and IN are lazy: an arm is evaluated
// only on the rows that reach it, left to right; every other call evaluates all its arguments. The
// row of a *fn.RowError that Eval returns is a row of the batch, whatever selection the failing
// kernel saw.
package expr
