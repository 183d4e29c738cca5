package format

import (
	"fmt"
	"regexp"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
)

// cdcOp is what a change record does.
type cdcOp uint8

const (
	cdcUnknown cdcOp = iota
	cdcInsert
	cdcUpdate
	cdcDelete
	cdcSkip // a record about something else, as a change of the schema
)

// cdcLayout is how a tool writes change records. THE differences between the CDC formats are here.
type cdcLayout struct {
	name    string // of the tool, for messages
	newKey  string // the row after the change
	oldKey  string // the row before it
	opKey   string
	ops     map[string]cdcOp
	list    bool // newKey and oldKey hold arrays of rows
	partial bool // oldKey holds the changed columns only, and a deleted row is under newKey
	// writes are the words for a row added and a row taken away.
	added, removed string
}

var (
	debezium = &cdcLayout{name: "Debezium", newKey: "after", oldKey: "before", opKey: "op",
		ops: map[string]cdcOp{"c": cdcInsert, "r": cdcInsert, "u": cdcUpdate, "d": cdcDelete}, added: "c", removed: "d"}
	ogg = &cdcLayout{name: "Oracle GoldenGate", newKey: "after", oldKey: "before", opKey: "op_type",
		ops: map[string]cdcOp{"I": cdcInsert, "U": cdcUpdate, "D": cdcDelete}, added: "I", removed: "D"}
	canal = &cdcLayout{name: "Canal", newKey: "data", oldKey: "old", opKey: "type", list: true, partial: true,
		ops: map[string]cdcOp{"INSERT": cdcInsert, "UPDATE": cdcUpdate, "DELETE": cdcDelete, "CREATE": cdcSkip}, added: "INSERT", removed: "DELETE"}
	maxwell = &cdcLayout{name: "Maxwell", newKey: "data", oldKey: "old", opKey: "type", partial: true,
		ops: map[string]cdcOp{"insert": cdcInsert, "update": cdcUpdate, "delete": cdcDelete}, added: "insert", removed: "delete"}
)

func cdcFormat(name string, layout *cdcLayout, doc string) Format {
	return Format{
		Name: name,
		Doc: doc + " An update gives the row before (`-U`) and after (`+U`). Writing gives an insert for each row added and a delete for each taken away. " +
			"Its options are those of `json`, under its own prefix.",
		Example: "'format' = '" + name + "',\n  '" + name + ".timestamp-format.standard' = 'ISO-8601'",
		New:     func() Config { return &cdcConfig{layout: layout} },
	}
}

func cdcFormats() []Format {
	return []Format{
		cdcFormat("canal-json", canal, "Reads and writes the change records of Canal."),
		cdcFormat("debezium-json", debezium, "Reads and writes the change records of Debezium. Tables of PostgreSQL need REPLICA IDENTITY FULL."),
		cdcFormat("maxwell-json", maxwell, "Reads and writes the change records of Maxwell."),
		cdcFormat("ogg-json", ogg, "Reads and writes the change records of Oracle GoldenGate."),
	}
}

type cdcConfig struct {
	jsonConfig
	layout   *cdcLayout
	schema   bool
	database string
	table    string
}

// Options implements option.Config.
func (c *cdcConfig) Options(o *option.Set) {
	o.Bool(&c.ignoreErrors, "ignore-parse-errors", false, "A value that does not fit its column is NULL, and a record that is no change record is dropped, instead of failing.")
	c.bindTimes(o)
	c.bindEncode(o)
	switch c.layout {
	case debezium:
		o.Bool(&c.schema, "schema-include", false, "Records are wrapped in an object with `schema` and `payload`.")
	case canal:
		o.String(&c.database, "database.include", "", "Take only records whose `database` matches this regular expression.")
		o.String(&c.table, "table.include", "", "Take only records whose `table` matches this regular expression.")
	}
}

// Mode implements Config.
func (c *cdcConfig) Mode() types.ChangelogMode { return types.RetractMode }

// SinkMode implements Config.
func (c *cdcConfig) SinkMode(types.ChangelogMode) types.ChangelogMode { return types.RetractMode }

// Decoder implements Config.
func (c *cdcConfig) Decoder(want, _ types.Schema, _ *connectors.Env) (connectors.Decoder, error) {
	c.resolve()
	j, err := newJSONDecoder(&c.jsonConfig, want)
	if err != nil {
		return nil, err
	}
	j.track = c.layout.partial
	d := &cdcDecoder{j: j, layout: c.layout, schema: c.schema}
	for key, text := range map[string]string{"database": c.database, "table": c.table} {
		if text == "" {
			continue
		}
		re, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return nil, fmt.Errorf("option \"%s.include\" is no regular expression: %w", key, err)
		}
		d.filters = append(d.filters, cdcFilter{key: key, re: re})
	}
	return d, nil
}
