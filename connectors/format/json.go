package format

import (
	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
)

var jsonFormat = Format{
	Name: "json",
	Doc: "Reads and writes one JSON object a record. Columns are found by name, whatever their order; a missing key is NULL and unknown keys are passed over. " +
		"An array of objects at the top gives a row of each. Values are converted where that makes sense: `\" 42 \"` fits INT, an object kept in a STRING column is compact JSON.",
	Example: "'format' = 'json',\n  'json.timestamp-format.standard' = 'ISO-8601',\n  'json.ignore-parse-errors' = 'true'",
	New:     func() Config { return new(jsonConfig) },
}

type jsonConfig struct {
	appendOnly
	failOnMissing bool
	ignoreErrors  bool
	standard      string
	style         timeStyle
	encode        jsonEncodeOptions
}

type jsonEncodeOptions struct {
	nullKeyMode    string
	nullKeyLiteral string
	plainDecimal   bool
	ignoreNulls    bool
}

// Options implements option.Config.
func (c *jsonConfig) Options(o *option.Set) {
	o.Bool(&c.failOnMissing, "fail-on-missing-field", false, "A record that lacks a column is an error, instead of NULL.")
	o.Bool(&c.ignoreErrors, "ignore-parse-errors", false, "A value that does not fit its column is NULL, and a record that is no JSON is dropped, instead of failing.")
	c.bindTimes(o)
	c.bindEncode(o)
	o.Unused("decode.json-parser.enabled", "there is one JSON parser, and it is fast.")
}

func (c *jsonConfig) bindTimes(o *option.Set) {
	o.Enum(&c.standard, "timestamp-format.standard", "SQL", []string{"SQL", "ISO-8601", "ISO-8601-WITH-OFFSET"},
		"How timestamps are written: SQL is `2024-05-01 12:00:00.5`, ISO-8601 is `2024-05-01T12:00:00.5`; those of TIMESTAMP_LTZ end in Z. ISO-8601-WITH-OFFSET also takes offsets such as `+02:00`.")
}

func (c *jsonConfig) bindEncode(o *option.Set) {
	e := &c.encode
	o.Enum(&e.nullKeyMode, "map-null-key.mode", "FAIL", []string{"FAIL", "DROP", "LITERAL"}, "What to do with a NULL key of a MAP when writing: fail, drop the entry, or write the key of `map-null-key.literal`.")
	o.String(&e.nullKeyLiteral, "map-null-key.literal", "null", "The key written for NULL with `'map-null-key.mode' = 'LITERAL'`.")
	o.Bool(&e.plainDecimal, "encode.decimal-as-plain-number", false, "Write DECIMAL with all its digits, never as `2.7E-8`.")
	o.Bool(&e.ignoreNulls, "encode.ignore-null-fields", false, "Leave out NULL columns, instead of writing null.")
}

// resolve derives the style of timestamps once the options are set.
func (c *jsonConfig) resolve() {
	switch c.standard {
	case "ISO-8601":
		c.style = styleISO
	case "ISO-8601-WITH-OFFSET":
		c.style = styleOffset
	default:
		c.style = styleSQL
	}
}

// Decoder implements Config.
func (c *jsonConfig) Decoder(want, _ types.Schema, _ *connectors.Env) (connectors.Decoder, error) {
	c.resolve()
	d, err := newJSONDecoder(c, want)
	if err != nil {
		return nil, err
	}
	return d, nil
}
