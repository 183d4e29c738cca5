package fn

import (
	"sort"
	"strings"
	"sync"

	"weir/internal/spell"
)

// index is the lookup table of the scalar functions.
type index struct {
	all    []*Func
	byName map[string]*Func // upper case names and aliases
	names  []string         // sorted, aliases included
}

var scalars = sync.OnceValue(func() *index {
	x := &index{all: tables(), byName: map[string]*Func{}}
	for _, f := range x.all {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if x.byName[name] != nil {
				panic("function " + name + " is declared twice")
			}
			x.byName[name] = f
			x.names = append(x.names, name)
		}
	}
	sort.Strings(x.names)
	return x
})

// All lists the scalar functions, in the order of the documentation. Do not write to it.
func All() []*Func { return scalars().all }

// Lookup finds a scalar function by its name or an alias, in any case.
func Lookup(name string) (*Func, bool) {
	f, ok := scalars().byName[strings.ToUpper(name)]
	return f, ok
}

// Names lists the names and aliases of the scalar functions, sorted. Do not write to it.
func Names() []string { return scalars().names }

// Nearest gives the function name nearest to a misspelt one, or "" where none is near.
func Nearest(name string) string {
	name = strings.ToUpper(name)
	best, dist := "", len(name)/3+2
	for _, n := range scalars().names {
		if d := spell.Distance(name, n, dist); d < dist {
			best, dist = n, d
		}
	}
	return best
}

func tables() []*Func {
	var all []*Func
	for _, t := range [][]*Func{
		group("operator", ArithFuncs), group("operator", CompareFuncs),
		group("string", stringFuncs), group("string", searchFuncs), group("string", regexFuncs),
		group("math", mathFuncs), group("hash", hashFuncs), group("string", urlFuncs), group("string", printfFuncs),
		group("math", randomFuncs), group("conditional", conditionalFuncs), group("collection", arrayFuncs), group("collection", constructFuncs), group("bitmap", bitmapFuncs),
		group("json", jsonQueryFuncs), group("json", jsonMakeFuncs),
		group("temporal", extractFuncs), group("temporal", timeMathFuncs), group("temporal", timeTextFuncs), group("temporal", clockFuncs),
	} {
		all = append(all, t...)
	}
	return all
}

// Extension tells whether a function is weir's own, Flink having none of the name, and what to write there.
func Extension(name string) (instead string, own bool) {
	switch strings.ToUpper(name) {
	case "LENGTH":
		return "there, write CHAR_LENGTH(x)", true
	case "RLIKE":
		return "there, write REGEXP(x, pattern)", true
	case "NVL":
		return "there, write IFNULL(x, y)", true
	case "URL_DECODE_RECURSIVE":
		return "there, write URL_DECODE as many times as it takes", true
	case "AT_TIME_ZONE":
		return "there, write CONVERT_TZ of the text, or SET 'table.local-time-zone'", true
	}
	return "", false
}
