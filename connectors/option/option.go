// Package option binds a connector's or format's options as package flag binds flags: one line says
// name, type, default, documentation and target, and everything else (decoding, validation, "did you
// mean", docs, completion) is derived from it.
//
// Contract: a Set is filled by Config.Options, used once by Decode or Describe, by one goroutine.
// Keys are case-sensitive as in Flink, values of Enum and Bool are not. Positions are byte offsets
// into the statement's text, and only carried through. A target is written when its option is bound
// (with the default) and again when a value is decoded.
package option

import (
	"fmt"
	"strings"
	"time"
)

// Config is anything that binds options.
type Config interface {
	Options(*Set)
}

// Option is one bound option.
type Option struct {
	Key      string // or a pattern: "fields.#.kind" (# is one word), "properties.*" (* is the rest)
	Type     string // as in the docs: "string", "duration", "enum", ...
	Default  string // "" is none
	Doc      string
	Aliases  []string
	Values   []string // of an enum
	Required bool
	Hidden   bool // its value is a secret and is never printed
	Unused   bool // known to Flink, and without effect here; Doc says why

	set     func(text string) error
	setAt   func(key, text string) error // for patterns
	choices []Choice
	chosen  func(Config)
	given   bool
}

// Choice is a possible value of an option that brings options of its own, as 'format' = 'json' does.
type Choice struct {
	Name string
	Doc  string
	New  func() Config
}

// Must makes the option required.
func (o *Option) Must() *Option { o.Required = true; return o }

// Alias adds other spellings of the key.
func (o *Option) Alias(keys ...string) *Option { o.Aliases = append(o.Aliases, keys...); return o }

// Secret keeps the value out of messages, docs and plans.
func (o *Option) Secret() *Option { o.Hidden = true; return o }

// Range limits a number to [lo, hi].
func (o *Option) Range(lo, hi float64) *Option {
	inner := o.set
	o.set = func(text string) error {
		if n, err := parseNumber(text); err == nil && (n < lo || n > hi) {
			return fmt.Errorf("is not between %v and %v", trimFloat(lo), trimFloat(hi))
		}
		return inner(text)
	}
	return o
}

// Set is the options of one table, being bound.
type Set struct {
	prefix string
	opts   []*Option
}

// All lists the options bound so far.
func (s *Set) All() []*Option { return s.opts }

func (s *Set) add(key, kind, def, doc string, set func(string) error) *Option {
	o := &Option{Key: s.prefix + key, Type: kind, Default: def, Doc: doc, set: set}
	s.opts = append(s.opts, o)
	return o
}

// String binds a text.
func (s *Set) String(dst *string, key, def, doc string) *Option {
	*dst = def
	return s.add(key, "string", def, doc, func(text string) error { *dst = text; return nil })
}

// Int binds a whole number.
func (s *Set) Int(dst *int, key string, def int, doc string) *Option {
	*dst = def
	return s.add(key, "int", fmt.Sprint(def), doc, func(text string) error {
		n, err := parseInt(text, 32)
		*dst = int(n)
		return err
	})
}

// Int64 binds a whole number of 64 bits.
func (s *Set) Int64(dst *int64, key string, def int64, doc string) *Option {
	*dst = def
	return s.add(key, "long", fmt.Sprint(def), doc, func(text string) error {
		n, err := parseInt(text, 64)
		*dst = n
		return err
	})
}

// Double binds a number.
func (s *Set) Double(dst *float64, key string, def float64, doc string) *Option {
	*dst = def
	return s.add(key, "double", trimFloat(def), doc, func(text string) error {
		n, err := parseNumber(text)
		*dst = n
		return err
	})
}

// Bool binds true or false.
func (s *Set) Bool(dst *bool, key string, def bool, doc string) *Option {
	*dst = def
	return s.add(key, "boolean", fmt.Sprint(def), doc, func(text string) error {
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true":
			*dst = true
		case "false":
			*dst = false
		default:
			return fmt.Errorf("is neither 'true' nor 'false'")
		}
		return nil
	})
}

// Duration binds a span of time in any of Flink's spellings: "5 s", "1 min", "250 ms", "PT5S". A
// negative default means none.
func (s *Set) Duration(dst *time.Duration, key string, def time.Duration, doc string) *Option {
	*dst = def
	text := ""
	if def >= 0 {
		text = FormatDuration(def)
	}
	return s.add(key, "duration", text, doc, func(text string) error {
		d, err := ParseDuration(text)
		*dst = d
		return err
	})
}

// Memory binds a number of bytes: "1 mb", "64kb", "1024".
func (s *Set) Memory(dst *int64, key string, def int64, doc string) *Option {
	*dst = def
	return s.add(key, "memory size", FormatMemory(def), doc, func(text string) error {
		n, err := ParseMemory(text)
		*dst = n
		return err
	})
}

// Enum binds one of some words, whatever their case; dst gets the word as it is listed.
func (s *Set) Enum(dst *string, key, def string, values []string, doc string) *Option {
	*dst = def
	o := s.add(key, "enum", def, doc, func(text string) error {
		for _, v := range values {
			if strings.EqualFold(v, strings.TrimSpace(text)) {
				*dst = v
				return nil
			}
		}
		return &hinted{"is none of " + quoteAll(values), nearHint(text, values)}
	})
	o.Values = values
	return o
}

// Timestamp binds a moment: ISO 8601 with a zone, or 'yyyy-MM-dd HH:mm:ss' in UTC, or epoch milliseconds or seconds.
func (s *Set) Timestamp(dst *time.Time, key, doc string) *Option {
	return s.add(key, "timestamp", "", doc, func(text string) error {
		t, err := ParseTimestamp(text)
		*dst = t
		return err
	})
}

// StringList binds words separated by semicolons.
func (s *Set) StringList(dst *[]string, key string, def []string, doc string) *Option {
	*dst = def
	return s.add(key, "list", strings.Join(def, ";"), doc, func(text string) error {
		*dst = nil
		for _, part := range strings.Split(text, ";") {
			if part = strings.TrimSpace(part); part != "" {
				*dst = append(*dst, part)
			}
		}
		return nil
	})
}

// Map binds all options of a pattern: "fields.#.kind" maps each word at # to its value,
// "properties.*" each rest of a key.
func (s *Set) Map(dst *map[string]string, pattern, doc string) *Option {
	*dst = map[string]string{}
	o := s.add(pattern, "map", "", doc, nil)
	o.setAt = func(word, text string) error { (*dst)[word] = text; return nil }
	return o
}

// Unused accepts an option that Flink knows and that has no effect here; doc says why.
func (s *Set) Unused(key, doc string) *Option {
	o := s.add(key, "any", "", doc, func(string) error { return nil })
	o.Unused = true
	if strings.ContainsAny(key, "#*") {
		o.setAt = func(string, string) error { return nil }
	}
	return o
}

// Choose binds an option whose value brings options of its own under the value's prefix: with key
// "format" the options of 'json' start with "json."; with key "value.format", with "value.json.".
func (s *Set) Choose(key string, choices []Choice, chosen func(Config), doc string) *Option {
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = c.Name
	}
	o := s.add(key, "format", "", doc, func(string) error { return nil })
	o.Values, o.choices, o.chosen = names, choices, chosen
	return o
}

// Bind binds the options of a nested configuration under a prefix, "" for none.
func (s *Set) Bind(prefix string, c Config) {
	old := s.prefix
	s.prefix = old + prefix
	c.Options(s)
	s.prefix = old
}

// Func binds an option that a function takes, for what no other kind fits.
func (s *Set) Func(key, kind, def, doc string, set func(text string) error) *Option {
	return s.add(key, kind, def, doc, set)
}
