package faker

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brianvoe/gofakeit/v7"
)

// env is what a running expression draws from.
type env struct {
	f   *gofakeit.Faker
	rng *rng
	now time.Time
}

// call appends one value.
type call func(e *env, dst []byte) []byte

// Function is one directive of an expression: #{name 'argument', ...}.
type Function struct {
	Name    string // as in Java Faker; case and underscores do not matter
	Args    string // as in the docs
	Doc     string
	minArgs int
	maxArgs int // -1: any number
	bind    func(args []string) (call, error)
}

func text(name, doc string, get func(*gofakeit.Faker) string) Function {
	return Function{Name: name, Doc: doc, bind: func([]string) (call, error) {
		return func(e *env, dst []byte) []byte { return append(dst, get(e.f)...) }, nil
	}}
}

type gofake = gofakeit.Faker

// Functions is the list of directives.
func Functions() []Function {
	return slices.Concat(coreFunctions(), personFunctions(), thingFunctions(), leisureFunctions())
}

func coreFunctions() []Function {
	return []Function{
		{Name: "number.numberBetween", Args: "'min','max'", Doc: "A whole number from min up to but not including max.", minArgs: 2, maxArgs: 2, bind: numberBetween},
		{Name: "number.randomDouble", Args: "'decimals','min','max'", Doc: "A number with so many decimals.", minArgs: 3, maxArgs: 3, bind: randomDouble},
		{Name: "number.randomDigit", Doc: "A digit.", bind: digitsOf("#")},
		{Name: "number.randomDigitNotZero", Doc: "A digit from 1 to 9.", bind: intsFrom(1, 9)},
		{Name: "number.digits", Args: "'count'", Doc: "So many digits.", minArgs: 1, maxArgs: 1, bind: countedDigits},
		{Name: "number.randomNumber", Doc: "A whole number of up to ten digits.", bind: intsFrom(0, 9999999999)},
		{Name: "number.positive", Doc: "A whole number from 1 on.", bind: intsFrom(1, 1<<31-1)},
		{Name: "number.negative", Doc: "A whole number below 0.", bind: intsFrom(-(1 << 31), -1)},
		{Name: "regexify", Args: "'pattern'", Doc: "A text that matches the regular expression.", minArgs: 1, maxArgs: 1, bind: regexify},
		{Name: "numerify", Args: "'##'", Doc: "The text with each # a digit.", minArgs: 1, maxArgs: 1, bind: pattern("#")},
		{Name: "letterify", Args: "'??'", Doc: "The text with each ? a letter.", minArgs: 1, maxArgs: 1, bind: pattern("?")},
		{Name: "bothify", Args: "'##??'", Doc: "The text with each # a digit and each ? a letter.", minArgs: 1, maxArgs: 1, bind: pattern("#?")},
		{Name: "options.option", Args: "'a','b',...", Doc: "One of the arguments.", minArgs: 1, maxArgs: -1, bind: options},
		{Name: "bool.bool", Doc: "true or false.", bind: func([]string) (call, error) { return options([]string{"true", "false"}) }},
		{Name: "date.past", Args: "'most'[,'least'],'UNIT'", Doc: "A moment in the past, at most and at least so long ago; units as SECONDS, MINUTES, DAYS.", minArgs: 2, maxArgs: 3, bind: dates(-1)},
		{Name: "date.future", Args: "'most'[,'least'],'UNIT'", Doc: "A moment to come.", minArgs: 2, maxArgs: 3, bind: dates(1)},
		{Name: "date.between", Args: "'from','to'", Doc: "A moment between two timestamps.", minArgs: 2, maxArgs: 2, bind: dateBetween},
		{Name: "date.birthday", Args: "['youngest','oldest']", Doc: "A birthday of someone of that age, 18 to 65 years.", minArgs: 0, maxArgs: 2, bind: birthday},
	}
}

func whole(args []string) ([]int64, error) {
	out := make([]int64, len(args))
	for i, a := range args {
		n, err := strconv.ParseInt(strings.TrimSpace(a), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", a)
		}
		out[i] = n
	}
	return out, nil
}

func (r *rng) between(lo, hi int64) int64 {
	span := uint64(hi-lo) + 1
	if span == 0 {
		return int64(r.Uint64())
	}
	return lo + int64(r.Uint64()%span)
}

func intsFrom(lo, hi int64) func([]string) (call, error) {
	return func([]string) (call, error) {
		return func(e *env, dst []byte) []byte { return strconv.AppendInt(dst, e.rng.between(lo, hi), 10) }, nil
	}
}

func numberBetween(args []string) (call, error) {
	n, err := whole(args)
	if err != nil {
		return nil, err
	}
	lo, hi := n[0], n[1]
	if lo > hi {
		return nil, fmt.Errorf("%d is larger than %d", lo, hi)
	}
	return intsFrom(lo, max(lo, hi-1))(nil)
}

func randomDouble(args []string) (call, error) {
	n, err := whole(args)
	if err != nil {
		return nil, err
	}
	if n[0] < 0 || n[0] > 15 || n[1] > n[2] {
		return nil, fmt.Errorf("want 0 to 15 decimals, and the smaller number first")
	}
	lo, hi, decimals := float64(n[1]), float64(n[2]), int(n[0])
	return func(e *env, dst []byte) []byte {
		u := float64(e.rng.Uint64()>>11) / (1 << 53)
		return strconv.AppendFloat(dst, lo*(1-u)+hi*u, 'f', decimals, 64)
	}, nil
}

func countedDigits(args []string) (call, error) {
	n, err := whole(args)
	if err != nil {
		return nil, err
	}
	if n[0] < 0 || n[0] > 1000 {
		return nil, fmt.Errorf("%d is not between 0 and 1000", n[0])
	}
	return digitsOf(strings.Repeat("#", int(n[0])))(nil)
}

func digitsOf(s string) func([]string) (call, error) {
	return func([]string) (call, error) { return pattern("#")([]string{s}) }
}

// pattern replaces # by digits and ? by letters where wild has them.
func pattern(wild string) func([]string) (call, error) {
	return func(args []string) (call, error) {
		return func(e *env, dst []byte) []byte {
			for _, c := range []byte(args[0]) {
				switch {
				case c == '#' && strings.Contains(wild, "#"):
					c = byte('0' + e.rng.between(0, 9))
				case c == '?' && strings.Contains(wild, "?"):
					c = byte('a' + e.rng.between(0, 25))
				}
				dst = append(dst, c)
			}
			return dst
		}, nil
	}
}

func regexify(args []string) (call, error) {
	if _, err := syntax.Parse(args[0], syntax.Perl); err != nil {
		return nil, fmt.Errorf("%q is no regular expression that can be made up: %w", args[0], err)
	}
	return func(e *env, dst []byte) []byte { return append(dst, e.f.Regex(args[0])...) }, nil
}

func options(args []string) (call, error) {
	return func(e *env, dst []byte) []byte { return append(dst, args[e.rng.between(0, int64(len(args)-1))]...) }, nil
}

var units = map[string]time.Duration{
	"NANOSECONDS": 1, "MICROSECONDS": time.Microsecond, "MILLISECONDS": time.Millisecond,
	"SECONDS": time.Second, "MINUTES": time.Minute, "HOURS": time.Hour, "DAYS": 24 * time.Hour,
}

const stamp = "2006-01-02 15:04:05.000"

// dates gives moments before (sign -1) or after now.
func dates(sign int64) func([]string) (call, error) {
	return func(args []string) (call, error) {
		unit, ok := units[strings.ToUpper(strings.TrimSpace(args[len(args)-1]))]
		if !ok {
			return nil, fmt.Errorf("%q is no unit of time; there are SECONDS, MINUTES, HOURS, DAYS and MILLISECONDS", args[len(args)-1])
		}
		n, err := whole(args[:len(args)-1])
		if err != nil {
			return nil, err
		}
		most, least := n[0], int64(0)
		if len(n) > 1 {
			least = n[1]
		}
		if least < 0 || most < least || most > int64(1<<62)/int64(unit) {
			return nil, fmt.Errorf("want the longest time first, then the shortest")
		}
		return func(e *env, dst []byte) []byte {
			d := e.rng.between(least*int64(unit), most*int64(unit))
			return e.now.Add(time.Duration(sign*d)).AppendFormat(dst, stamp)
		}, nil
	}
}

func dateBetween(args []string) (call, error) {
	var at [2]time.Time
	for i, a := range args {
		ok := false
		for _, layout := range []string{"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
			if t, err := time.Parse(layout, strings.TrimSpace(a)); err == nil {
				at[i], ok = t, true
			}
		}
		if !ok {
			return nil, fmt.Errorf("%q is no timestamp; write it as 2024-05-01 12:00:00", a)
		}
	}
	if at[1].Before(at[0]) {
		return nil, fmt.Errorf("%q is after %q", args[0], args[1])
	}
	return func(e *env, dst []byte) []byte {
		return at[0].Add(time.Duration(e.rng.between(0, int64(at[1].Sub(at[0]))))).AppendFormat(dst, stamp)
	}, nil
}

func birthday(args []string) (call, error) {
	ages := []int64{18, 65}
	n, err := whole(args)
	if err != nil {
		return nil, err
	}
	copy(ages, n)
	const day = 24 * time.Hour
	if ages[0] < 0 || ages[0] > ages[1] || ages[1] > 250 {
		return nil, fmt.Errorf("want the younger age first")
	}
	return func(e *env, dst []byte) []byte {
		d := e.rng.between(ages[0]*365, ages[1]*365+365)
		return e.now.Add(-time.Duration(d)*day).Truncate(day).AppendFormat(dst, stamp)
	}, nil
}
