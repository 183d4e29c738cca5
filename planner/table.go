package planner

import (
	"strings"

	"weir/connectors"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// Table is a resolved table of the catalog.
type Table struct {
	Path [3]string // catalog, database, name
	// Columns are all columns in declared order.
	Columns []TableColumn
	// PrimaryKey lists columns by name; NOT ENFORCED.
	PrimaryKey  []string
	PartitionBy []string
	KeyName     string // of the CONSTRAINT, or empty
	RowTime     string // column of the WATERMARK clause, or empty
	Options     map[string]string
	Desc        *connectors.TableDesc
	Comment     string
	Temporary   bool

	watermark *ast.Watermark
	secrets   map[string]bool // option keys that are not shown
}

// TableColumn is a declared column.
type TableColumn struct {
	Name    string
	Type    types.Type
	Kind    ColumnKind
	Key     string // METADATA key
	Virtual bool
	Comment string

	expr ast.Expr
}

// ColumnKind is a kind of declared column.
type ColumnKind uint8

// The kinds of columns.
const (
	Physical ColumnKind = iota
	Metadata
	Computed
)

// WatermarkText is the expression of the WATERMARK clause, its names in backticks, or empty.
func (t *Table) WatermarkText() string {
	if t.watermark == nil {
		return ""
	}
	return sql.PrintQuoted(t.watermark.Expr)
}

// ComputedText is the expression of a computed column, its names in backticks, or empty.
func (c *TableColumn) ComputedText() string {
	if c.expr == nil {
		return ""
	}
	return sql.PrintQuoted(c.expr)
}

// IsProcTime tells whether a column is the processing clock.
func (c *TableColumn) IsProcTime() bool {
	call, ok := c.expr.(*ast.Call)
	return ok && len(call.Args) == 0 && strings.EqualFold(call.Name.Last(), "PROCTIME")
}
