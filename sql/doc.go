// Package sql turns the text of a SQL script, in Apache Flink's dialect, into the tree of package ast.
//
// The way of a text: the lexer (lex.go) cuts it into tokens with byte positions; the statement front end
// (statement.go, ddl.go, alter.go, show.go) reads DDL and utility statements from them; queries and
// expressions are lowered (lower*.go) to a text of codes, one a line, which the grammar of TiDB's parser
// (tidb.go) turns into a tree: it decides operator precedence, the clauses of a SELECT, the join tree,
// set operations, windows and frames; convert*.go turns that into our tree, where each code stands for a
// name, a literal or a call with its exact spelling and place. Print is the way back.
//
// The package knows no table, no type and no function beyond those with syntax of their own. Words are
// names wherever they cannot be anything else, so more is accepted as a bare name than Flink accepts.
//
// Every function here may be called from any goroutine. Input is bounded: see maxNesting and maxSource.
// Errors are *Error, or *ErrorList for several; text of TiDB's never reaches the user.
package sql
