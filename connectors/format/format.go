// Package format holds the formats: how the bytes of a record become rows and back.
//
// Contract: List is all of them. A Config is bound by the options of one table; its decoders and
// encoders are used by one goroutine each and share nothing. A decoder writes straight into new
// columns and never keeps a record's bytes. A record that cannot be decoded becomes a Reject whose
// text names the field, what was found and what was expected. Times are microseconds.
package format

import (
	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
)

// Format declares a format.
type Format struct {
	Name    string // as in 'format' = '...'
	Doc     string // full sentences; Markdown
	Example string // options of a WITH clause
	New     func() Config
}

// Config is a format's options, and what they make.
type Config interface {
	option.Config
	// Mode is the changelog that decoding gives.
	Mode() types.ChangelogMode
	// SinkMode is the changelog that encoding takes when the query would emit requested.
	SinkMode(requested types.ChangelogMode) types.ChangelogMode
	// Metadata lists the metadata columns that the format finds in a record.
	Metadata() []connectors.MetadataKey
	// Decoder makes a decoder of the wanted columns. all is the table's physical columns, which
	// positional formats need.
	Decoder(want, all types.Schema, env *connectors.Env) (connectors.Decoder, error)
	// Encoder makes an encoder of batches of these columns.
	Encoder(cols types.Schema, env *connectors.Env) (connectors.Encoder, error)
	// Framing says how records follow each other in a file.
	Framing() Framing
}

// Framing finds records in a file.
type Framing interface {
	// Next gives the end of the record that begins at data[from], and where the next begins: -1 where
	// the data ends before the record does. final says that no data follows.
	Next(data []byte, from int, final bool) (end, next int)
}

// List is all formats.
func List() []Format {
	return append(cdcFormats(), csvFormat, jsonFormat, rawFormat)
}

// Default is a format with its defaults; there must be one of the name.
func Default(name string) Config {
	for _, f := range List() {
		if f.Name == name {
			c := f.New()
			c.Options(&option.Set{})
			return c
		}
	}
	panic("format: there is none called " + name)
}

// Bind binds the option that names a format, such as "format" or "value.format".
func Bind(o *option.Set, dst *Config, key, doc string) *option.Option {
	var choices []option.Choice
	for _, f := range List() {
		choices = append(choices, option.Choice{Name: f.Name, Doc: f.Doc, New: func() option.Config { return f.New() }})
	}
	return o.Choose(key, choices, func(c option.Config) { *dst = c.(Config) }, doc)
}

// Lines is the framing of text files: a record a line, without its line feed or carriage return.
type Lines struct{}

// appendOnly is the part of Config that plain formats share.
type appendOnly struct{}

// Mode, SinkMode, Metadata and Framing implement Config.
func (appendOnly) Mode() types.ChangelogMode                        { return types.AppendMode }
func (appendOnly) SinkMode(types.ChangelogMode) types.ChangelogMode { return types.AppendMode }
func (appendOnly) Metadata() []connectors.MetadataKey               { return nil }
func (appendOnly) Framing() Framing                                 { return Lines{} }
