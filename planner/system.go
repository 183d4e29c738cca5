package planner

import (
	"slices"

	"weir/connectors"
)

// SystemDatabase is a database of every catalog, whose tables tell of weir itself. It is not listed with the others.
const SystemDatabase = "sys"

// LedgerConnector is the connector of sys.calls.
const LedgerConnector = "ledger"

// systemTables are the tables of sys, by name.
func systemTables() []string { return []string{"calls"} }

// system makes a table of sys; nil: the path is of none.
func (c *Catalog) system(path [3]string) *object {
	if c.catalogs[path[0]] == nil || path[1] != SystemDatabase || !slices.Contains(systemTables(), path[2]) {
		return nil
	}
	t := &Table{Path: path, Temporary: true, Comment: "what services outside were asked", Options: map[string]string{"connector": LedgerConnector}}
	for _, col := range connectors.UsageColumns() {
		t.Columns = append(t.Columns, TableColumn{Name: col.Name, Type: col.Type})
	}
	t.Desc = t.desc()
	t.Desc.Options = t.Options
	return &object{path: path, table: t}
}
