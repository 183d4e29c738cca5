package faker

import (
	"fmt"
	"strings"

	"weir/connectors/option"
)

// expression is a text with directives: literal texts and calls in turn.
type expression []call

func literal(s string) call { return func(_ *env, dst []byte) []byte { return append(dst, s...) } }

// eval appends one value.
func (x expression) eval(e *env, dst []byte) []byte {
	for _, c := range x {
		dst = c(e, dst)
	}
	return dst
}

// compile reads an expression in Java Faker's syntax: text with #{name 'argument','argument'}.
func compile(s string) (expression, error) {
	var x expression
	for s != "" {
		i := strings.Index(s, "#{")
		if i < 0 {
			return append(x, literal(s)), nil
		}
		if i > 0 {
			x = append(x, literal(s[:i]))
		}
		d := directive{s: s[i+2:]}
		c, err := d.parse()
		if err != nil {
			return nil, err
		}
		x = append(x, c)
		s = d.s
	}
	return x, nil
}

// directive reads what stands between #{ and }; s is what is left.
type directive struct{ s string }

func (d *directive) parse() (call, error) {
	d.s = strings.TrimLeft(d.s, " ")
	end := strings.IndexFunc(d.s, func(r rune) bool {
		return r != '.' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
	if end < 0 {
		return nil, fmt.Errorf("\"#{%s\" has no closing brace", d.s)
	}
	name := d.s[:end]
	d.s = d.s[end:]
	args, err := d.args()
	if err != nil {
		return nil, err
	}
	return bind(name, args)
}

// args reads quoted arguments up to the brace.
func (d *directive) args() (args []string, err error) {
	for {
		d.s = strings.TrimLeft(d.s, " ,")
		if d.s == "" {
			return nil, fmt.Errorf("a \"#{\" has no closing brace")
		}
		quote := d.s[0]
		switch quote {
		case '}':
			d.s = d.s[1:]
			return args, nil
		case '\'', '"':
			arg, rest, ok := unquote(d.s[1:], quote)
			if !ok {
				return nil, fmt.Errorf("the argument %q has no closing quote", d.s)
			}
			args, d.s = append(args, arg), rest
		default:
			return nil, fmt.Errorf("expected an argument in quotes or '}', found %q", d.s)
		}
	}
}

// unquote reads to the closing quote; a doubled quote stands for itself.
func unquote(s string, quote byte) (arg, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == quote {
			if i+1 < len(s) && s[i+1] == quote {
				i++
			} else {
				return b.String(), s[i+1:], true
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

func bind(name string, args []string) (call, error) {
	var names []string
	for _, f := range Functions() {
		if plain(f.Name) != plain(name) {
			names = append(names, f.Name)
			continue
		}
		if len(args) < f.minArgs || f.maxArgs >= 0 && len(args) > f.maxArgs {
			return nil, fmt.Errorf("#{%s} has %d arguments; it is written #{%s}", f.Name, len(args), strings.TrimSpace(f.Name+" "+f.Args))
		}
		c, err := f.bind(args)
		if err != nil {
			return nil, fmt.Errorf("#{%s}: %w", f.Name, err)
		}
		return c, nil
	}
	hint := "see the connector's documentation for the list"
	if n := option.Near(name, names); n != "" {
		hint = fmt.Sprintf("did you mean %q?", n)
	}
	return nil, fmt.Errorf("there is no #{%s}; %s", name, hint)
}
