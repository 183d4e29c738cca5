package fn

import (
	"errors"
	"strings"

	"weir/sql/types"
)

// An accumulator's arguments are columns, never constants: whoever calls it spreads a constant over
// the batch's rows. Bind sees constants (a separator, a percentage) as Arg.Lit. The type that Bind
// gives is for groups of at least one row: where a group may be empty (no GROUP BY, or a FILTER) it
// becomes nullable, but for the aggregates of which NeverNull tells true.

// AggFuncs is the table of aggregate functions.
var AggFuncs = append([]AggFunc{
	{
		Name: "COUNT", Syntax: "COUNT(*) | COUNT([DISTINCT] x)", MaxArgs: 1, Bind: bindCount,
		Doc: "Counts the rows of a group, or those in which x is not NULL. Gives BIGINT, and 0 where there is none.",
	},
	{
		Name: "SUM", Syntax: "SUM([DISTINCT] x)", MinArgs: 1, MaxArgs: 1, Bind: bindSum(modeSum),
		Doc: "Adds up a number in its own type, so an integer wraps; DECIMAL(p, s) gives DECIMAL(38, s), and NULL on overflow. NULLs are skipped; NULL where there is no value.",
	},
	{
		Name: "$SUM0", Aliases: []string{"SUM0"}, Syntax: "$SUM0(x)", MinArgs: 1, MaxArgs: 1, Bind: bindSum(modeSum0),
		Doc: "SUM that is 0 where there is no value.",
	},
	{
		Name: "AVG", Syntax: "AVG([DISTINCT] x)", MinArgs: 1, MaxArgs: 1, Bind: bindAvg,
		Doc: "The mean of a number, in its own type: integers truncate toward zero. DECIMAL(p, s) gives DECIMAL(38, max(6, s)). NULLs are skipped.",
	},
	{
		Name: "MIN", Syntax: "MIN(x)", MinArgs: 1, MaxArgs: 1, Bind: bindExtreme(false),
		Doc: "The least value; strings compare by their UTF-8 bytes. NULLs are skipped.",
	},
	{
		Name: "MAX", Syntax: "MAX(x)", MinArgs: 1, MaxArgs: 1, Bind: bindExtreme(true),
		Doc: "The greatest value; strings compare by their UTF-8 bytes. NULLs are skipped.",
	},
	{
		Name: "FIRST_VALUE", Syntax: "FIRST_VALUE(x)", MinArgs: 1, MaxArgs: 1, Bind: bindPick("FIRST_VALUE", false),
		Doc: "The first value in order of arrival that is not NULL.",
	},
	{
		Name: "LAST_VALUE", Syntax: "LAST_VALUE(x)", MinArgs: 1, MaxArgs: 1, Bind: bindPick("LAST_VALUE", true),
		Doc: "The last value in order of arrival that is not NULL.",
	},
	{
		Name: "LISTAGG", Syntax: "LISTAGG([DISTINCT] string [, separator])", MinArgs: 1, MaxArgs: 2, Bind: bindListAgg,
		Doc: "Joins strings in order of arrival; the separator is a constant, a comma by default. NULLs are skipped; NULL where there is no value.",
	},
	{
		Name: "STDDEV_POP", Syntax: "STDDEV_POP(x)", MinArgs: 1, MaxArgs: 1, Bind: bindMoment("STDDEV_POP", false, true),
		Doc: "The standard deviation of the whole population, in the type of AVG(x).",
	},
	{
		Name: "STDDEV_SAMP", Aliases: []string{"STDDEV"}, Syntax: "STDDEV_SAMP(x)", MinArgs: 1, MaxArgs: 1, Bind: bindMoment("STDDEV_SAMP", true, true),
		Doc: "The standard deviation of a sample, in the type of AVG(x); NULL below two values.",
	},
	{
		Name: "VAR_POP", Syntax: "VAR_POP(x)", MinArgs: 1, MaxArgs: 1, Bind: bindMoment("VAR_POP", false, false),
		Doc: "The variance of the whole population, in the type of AVG(x).",
	},
	{
		Name: "VAR_SAMP", Aliases: []string{"VARIANCE"}, Syntax: "VAR_SAMP(x)", MinArgs: 1, MaxArgs: 1, Bind: bindMoment("VAR_SAMP", true, false),
		Doc: "The variance of a sample, in the type of AVG(x); NULL below two values.",
	},
	{
		Name: "COLLECT", Syntax: "COLLECT([DISTINCT] x)", MinArgs: 1, MaxArgs: 1, Bind: bindCollect,
		Doc: "A MULTISET of the values that are not NULL.",
	},
	{
		Name: "ARRAY_AGG", Syntax: "ARRAY_AGG([DISTINCT] x)", MinArgs: 1, MaxArgs: 1, Bind: bindArrayAgg,
		Doc: "An ARRAY of the values in order of arrival, NULLs included.",
	},
	{
		Name: "JSON_ARRAYAGG", Syntax: "JSON_ARRAYAGG(x [NULL | ABSENT ON NULL])", MinArgs: 1, MaxArgs: 2, Bind: bindJSONArrayAgg,
		Doc: "A JSON array of the values in order of arrival, as text. NULLs are left out unless NULL ON NULL is written.",
	},
	{
		Name: "JSON_OBJECTAGG", Syntax: "JSON_OBJECTAGG(KEY k VALUE v [NULL | ABSENT ON NULL])", MinArgs: 2, MaxArgs: 3, Bind: bindJSONObjectAgg,
		Doc: "A JSON object of keys and values, as text. A key that comes twice in a group is an error.",
	},
	{
		Name: "PERCENTILE", Syntax: "PERCENTILE(x, percentage [, frequency])", MinArgs: 2, MaxArgs: 3, Bind: bindPercentile,
		Doc: "The exact percentile of a number, interpolated between neighbours; the percentage is a constant from 0 to 1, or an ARRAY of such. It keeps every value.",
	},
	{
		Name: "SINGLE_VALUE", Syntax: "SINGLE_VALUE(x)", MinArgs: 1, MaxArgs: 1, Bind: bindSingle,
		Doc: "The value of the only row of a group; a second row is an error. Subqueries used as values are made of it.",
	},
	{
		Name: "APPROX_COUNT_DISTINCT", Syntax: "APPROX_COUNT_DISTINCT(x)", MinArgs: 1, MaxArgs: 1, Bind: bindApprox,
		Doc: "COUNT(DISTINCT x), in batch mode; refused while streaming, as in Flink.",
	},
}, bitmapAggs()...)

// LookupAgg finds an aggregate function by its name or alias, in any case.
func LookupAgg(name string) (*AggFunc, bool) {
	for i := range AggFuncs {
		f := &AggFuncs[i]
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
		for _, alias := range f.Aliases {
			if strings.EqualFold(alias, name) {
				return f, true
			}
		}
	}
	return nil, false
}

// NeverNull tells whether an aggregate gives a value for a group of no rows too.
func NeverNull(name string) bool {
	switch name {
	case "COUNT", "$SUM0", "COLLECT", "JSON_ARRAYAGG", "JSON_OBJECTAGG":
		return true
	}
	return false
}

// BindAgg resolves an aggregate for its arguments, DISTINCT included. MIN and MAX are the same with
// DISTINCT and without.
func BindAgg(name string, args []Arg, distinct, retract bool) (*AggCall, error) {
	f, ok := LookupAgg(name)
	if !ok {
		return nil, errors.New("aggregate function \"" + name + "\" is not known")
	}
	call, err := f.Bind(args, retract)
	if err != nil || !distinct || f.Name == "MIN" || f.Name == "MAX" {
		return call, err
	}
	if len(call.Args) == 0 {
		return nil, errors.New("DISTINCT needs an argument: write COUNT(DISTINCT x)")
	}
	if k := call.Args[0].Kind; k == types.Map || k == types.Multiset || k == types.Row {
		return nil, errors.New(f.Name + "(DISTINCT x) does not take " + call.Args[0].String())
	}
	return Distinct(call, f.Name, retract), nil
}

func bindCount(args []Arg, _ bool) (*AggCall, error) {
	call := &AggCall{
		Type: types.BigIntType.WithNull(false), State: []types.Type{types.BigIntType.WithNull(false)},
		New: func() Accumulator { return &countAcc{} }, Mergeable: true,
	}
	for _, a := range args {
		call.Args = append(call.Args, a.Type)
	}
	return call, nil
}

func bindApprox([]Arg, bool) (*AggCall, error) {
	return nil, errors.New("APPROX_COUNT_DISTINCT does not run in streaming; write COUNT(DISTINCT x), which is exact")
}
