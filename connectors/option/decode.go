package option

import (
	"fmt"
	"sort"
	"strings"
)

// Value is an option's text as it was written, and where.
type Value struct {
	Text     string
	KeyPos   int
	ValuePos int
}

// Error is a mistake in one option.
type Error struct {
	Key  string
	Pos  int // of the key or of the value, whichever is wrong; -1 where the option is missing
	Msg  string
	Hint string // what to do; may be empty
}

// Error is the message with its hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}

// Errors is all mistakes found in a WITH clause, in the order of their positions.
type Errors []*Error

// Error lists the messages, a line each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Note is something to tell about an option that was accepted.
type Note struct {
	Key string
	Pos int
	Msg string
}

type hinted struct{ msg, hint string }

func (h *hinted) Error() string { return h.msg }

// Decode binds the configurations' options and sets them from the values. It gives notes on options
// without effect, and an error of type Errors that lists every mistake.
func Decode(values map[string]Value, configs ...Config) ([]Note, error) {
	d := &decoder{values: values, set: &Set{}}
	for _, c := range configs {
		c.Options(d.set)
	}
	for i := 0; i < len(d.set.opts); i++ { // choices append to the list
		if d.set.opts[i].choices != nil {
			d.choose(d.set.opts[i])
		}
	}
	d.index()
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		d.one(k, values[k])
	}
	for _, o := range d.set.opts {
		if o.Required && !o.given {
			d.errs = append(d.errs, &Error{Key: o.Key, Pos: -1, Msg: fmt.Sprintf("option %q is missing: %s", o.Key, firstSentence(o.Doc)), Hint: missingHint(o)})
		}
	}
	if len(d.errs) == 0 {
		return d.notes, nil
	}
	sort.SliceStable(d.errs, func(i, j int) bool { return d.errs[i].Pos < d.errs[j].Pos })
	return d.notes, d.errs
}

type decoder struct {
	values map[string]Value
	set    *Set
	exact  map[string]*Option
	errs   Errors
	notes  []Note
}

func (d *decoder) index() {
	d.exact = map[string]*Option{}
	for _, o := range d.set.opts {
		d.exact[o.Key] = o
		for _, a := range o.Aliases {
			d.exact[a] = o
		}
	}
}

// lookup finds the value given for an option, whatever spelling was used.
func (d *decoder) lookup(o *Option) (string, Value, bool) {
	for _, k := range append([]string{o.Key}, o.Aliases...) {
		if v, ok := d.values[k]; ok {
			return k, v, true
		}
	}
	return "", Value{}, false
}

func (d *decoder) choose(o *Option) {
	key, v, ok := d.lookup(o)
	if !ok {
		return
	}
	name := strings.TrimSpace(v.Text)
	for _, c := range o.choices {
		if c.Name != name {
			continue
		}
		conf := c.New()
		d.set.Bind(strings.TrimSuffix(key, "format")+name+".", conf)
		o.chosen(conf)
		return
	}
	d.errs = append(d.errs, &Error{Key: key, Pos: v.ValuePos, Msg: fmt.Sprintf("%s %q is not known; there are %s", lastWord(key), name, quoteAll(o.Values)), Hint: nearHint(name, o.Values)})
	d.set.Unused(strings.TrimSuffix(key, "format")+name+".*", "") // one mistake, one message
}

func (d *decoder) one(key string, v Value) {
	o := d.exact[key]
	if o == nil {
		d.pattern(key, v)
		return
	}
	if o.given {
		first, _, _ := d.lookup(o)
		d.errs = append(d.errs, &Error{Key: key, Pos: v.KeyPos, Msg: fmt.Sprintf("options %q and %q are two spellings of the same", first, key), Hint: "remove one of them"})
		return
	}
	o.given = true
	d.note(o, key, v)
	if o.set != nil {
		d.check(o, key, v, o.set(v.Text))
	}
}

func (d *decoder) pattern(key string, v Value) {
	for _, o := range d.set.opts {
		if o.setAt == nil {
			continue
		}
		for _, p := range append([]string{o.Key}, o.Aliases...) {
			if word, ok := match(p, key); ok {
				d.note(o, key, v)
				d.check(o, key, v, o.setAt(word, v.Text))
				return
			}
		}
	}
	d.errs = append(d.errs, &Error{Key: key, Pos: v.KeyPos, Msg: fmt.Sprintf("option %q is not known", key), Hint: nearHint(key, d.names())})
}

func (d *decoder) note(o *Option, key string, v Value) {
	if o.Unused && o.Doc != "" {
		d.notes = append(d.notes, Note{Key: key, Pos: v.KeyPos, Msg: fmt.Sprintf("option %q has no effect: %s", key, o.Doc)})
	}
}

func (d *decoder) check(o *Option, key string, v Value, err error) {
	if err == nil {
		return
	}
	text := "'" + v.Text + "'"
	if o.Hidden {
		text = "the value"
	}
	e := &Error{Key: key, Pos: v.ValuePos, Msg: fmt.Sprintf("option %q: %s %s", key, text, err)}
	if h, ok := err.(*hinted); ok {
		e.Hint = h.hint
	}
	d.errs = append(d.errs, e)
}

func (d *decoder) names() []string {
	var names []string
	for _, o := range d.set.opts {
		if o.set != nil || o.choices != nil {
			names = append(names, o.Key)
			names = append(names, o.Aliases...)
		} else if o.setAt != nil {
			names = append(names, o.Key)
		}
	}
	return names
}

// match gives what stands for # or * of the pattern in the key.
func match(pattern, key string) (string, bool) {
	i := strings.IndexAny(pattern, "#*")
	if i < 0 || !strings.HasPrefix(key, pattern[:i]) {
		return "", false
	}
	rest, tail := key[i:], pattern[i+1:]
	if !strings.HasSuffix(rest, tail) || len(rest) <= len(tail) {
		return "", false
	}
	return rest[:len(rest)-len(tail)], true
}

// Describe lists the options of configurations, for documentation and completion. The options that
// a choice (a format) brings are not in it: describe the choice itself.
func Describe(configs ...Config) []*Option {
	s := &Set{}
	for _, c := range configs {
		c.Options(s)
	}
	return s.opts
}

// Secrets lists the keys of given values that must not be printed.
func Secrets(values map[string]Value, configs ...Config) map[string]bool {
	out := map[string]bool{}
	for _, o := range Describe(configs...) {
		if !o.Hidden {
			continue
		}
		for _, p := range append([]string{o.Key}, o.Aliases...) {
			for k := range values {
				if _, ok := match(p, k); ok || k == p {
					out[k] = true
				}
			}
		}
	}
	return out
}

func missingHint(o *Option) string {
	if len(o.Values) > 0 {
		return fmt.Sprintf("add '%s' = '...', one of %s", o.Key, quoteAll(o.Values))
	}
	return fmt.Sprintf("add '%s' = '...'", o.Key)
}

func firstSentence(doc string) string {
	if i := strings.Index(doc, ". "); i >= 0 {
		doc = doc[:i]
	}
	doc = strings.TrimSuffix(doc, ".")
	if doc == "" {
		return "it is required"
	}
	return strings.ToLower(doc[:1]) + doc[1:]
}

func lastWord(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
