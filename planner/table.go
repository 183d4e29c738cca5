package planner

import (
	"weir/connectors"
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
	RowTime     string // column of the WATERMARK clause, or empty
	Options     map[string]string
	Desc        *connectors.TableDesc
	Comment     string
	Temporary   bool

	watermark     *ast.Watermark
	watermarkText string
	secrets       map[string]bool // option keys that are not shown
}

// TableColumn is a declared column.
type TableColumn struct {
	Name     string
	Type     types.Type
	Kind     ColumnKind
	Key      string // METADATA key
	Virtual  bool
	Computed string // text of a computed column's expression
	Comment  string

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

// WatermarkText is the expression of the WATERMARK clause as it was written, or empty.
func (t *Table) WatermarkText() string { return t.watermarkText }
