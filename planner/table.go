package planner

import (
	"weir/connectors"
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
	DDL         string // the statement that made it, as SHOW CREATE prints it (secrets masked there)
}

// TableColumn is a declared column.
type TableColumn struct {
	Name     string
	Type     types.Type
	Kind     ColumnKind
	Key      string // METADATA key
	Virtual  bool
	Computed string // source text of a computed column
	Comment  string
}

// ColumnKind is a kind of declared column.
type ColumnKind uint8

// The kinds of columns.
const (
	Physical ColumnKind = iota
	Metadata
	Computed
)
