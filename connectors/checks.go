package connectors

import "weir/connectors/option"

// Checks is a Config with options that name columns.
type Checks interface {
	Config
	// Check gives the mistake of an option that names no column of the table, nil where there is none. It is
	// called when the table is made.
	Check(t *TableDesc) *option.Error
}
