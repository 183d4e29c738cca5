package fn

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// declare makes a scalar function. The name may list aliases after it: "CHAR_LENGTH|CHARACTER_LENGTH".
// examples are pairs of an expression and its value.
func declare(names, syntax, doc string, s sig, examples ...string) *Func {
	all := strings.Split(names, "|")
	if names == "||" {
		all = []string{names}
	}
	f := &Func{Name: all[0], Aliases: all[1:], Syntax: syntax, Doc: doc}
	f.MinArgs, f.MaxArgs = len(s.in)-s.opt, len(s.in)
	if s.variadic {
		f.MinArgs, f.MaxArgs = len(s.in)-1-s.opt, -1
	}
	for i := 0; i+1 < len(examples); i += 2 {
		f.Examples = append(f.Examples, Example{SQL: examples[i], Want: examples[i+1]})
	}
	f.Bind = func(args []Arg) (*Call, error) { return s.bind(f, args) }
	return f
}

// group sets the documentation heading of some functions.
func group(name string, funcs []*Func) []*Func {
	for _, f := range funcs {
		f.Group = name
	}
	return funcs
}

// sig is the signature of a function in short form, from which Bind is made.
type sig struct {
	in       []param
	opt      int  // how many of the last params may be left out
	variadic bool // the last param may come any number of times, also none
	// out is the result's type; its nullability is set by null.
	out  func(args []types.Type) types.Type
	null nullRule
	// One of eval, prep: prep sees the literals, once.
	eval     Kernel
	prep     func(args []Arg) (Kernel, error)
	volatile bool
	clock    bool // volatile when called without arguments
}

// nullRule says when a result may be NULL.
type nullRule uint8

const (
	strictNull nullRule = iota // where an argument may be
	mayBeNull
	neverNull
	butLast // where an argument other than the last may be
)

func (s *sig) param(i int) param {
	if i >= len(s.in) {
		return s.in[len(s.in)-1]
	}
	return s.in[i]
}

func (s *sig) bind(f *Func, args []Arg) (*Call, error) {
	if err := checkCount(f, len(args)); err != nil {
		return nil, err
	}
	call := &Call{Args: make([]types.Type, len(args)), Volatile: s.volatile || s.clock && len(args) == 0}
	for i, a := range args {
		p := s.param(i)
		if !p.takes(a.Type) {
			return nil, fmt.Errorf("%s wants %s as argument %d, got %s%s; the form is %s", f.Name, p.name, i+1, a.Type, castHint(p, a.Type), f.Syntax)
		}
		call.Args[i] = p.want(a.Type)
	}
	call.Type = s.null.apply(s.out(call.Args), call.Args)
	call.Eval = s.eval
	if s.prep != nil {
		eval, err := s.prep(args)
		if err != nil {
			return nil, err
		}
		call.Eval = eval
	}
	return call, nil
}

func castHint(p param, got types.Type) string {
	if p.name == pText.name && !got.IsNested() {
		return " (write CAST(... AS STRING))"
	}
	return ""
}

func checkCount(f *Func, n int) error {
	if n >= f.MinArgs && (n <= f.MaxArgs || f.MaxArgs < 0) {
		return nil
	}
	want := fmt.Sprint(f.MinArgs)
	switch {
	case f.MaxArgs < 0:
		want = "at least " + want
	case f.MaxArgs > f.MinArgs:
		want = fmt.Sprintf("%d to %d", f.MinArgs, f.MaxArgs)
	}
	return fmt.Errorf("%s takes %s arguments, got %d; the form is %s", f.Name, want, n, f.Syntax)
}

func (r nullRule) apply(t types.Type, args []types.Type) types.Type {
	switch r {
	case mayBeNull:
		return t.WithNull(true)
	case neverNull:
		return t.WithNull(false)
	}
	if r == butLast {
		args = args[:len(args)-1]
	}
	all := true
	for _, a := range args {
		all = all && a.NotNull
	}
	return t.WithNull(!all)
}

// param says what an argument may be, and what the kernel gets.
type param struct {
	name  string
	takes func(types.Type) bool
	want  func(types.Type) types.Type
}

// sigArgs lists params: pp(pText, pInt).
func pp(p ...param) []param { return p }

func orNull(f func(types.Type) bool) func(types.Type) bool {
	return func(t types.Type) bool { return t.Kind == types.Null || f(t) }
}

// keep takes arguments as they are; an untyped NULL becomes of the type def.
func keep(name string, def types.Type, takes func(types.Type) bool) param {
	return param{name, orNull(takes), func(t types.Type) types.Type {
		if t.Kind == types.Null {
			return def
		}
		return t
	}}
}

// as casts arguments to the type.
func as(name string, to types.Type, takes func(types.Type) bool) param {
	return param{name, orNull(takes), func(t types.Type) types.Type {
		return to.WithNull(t.Nullable())
	}}
}

func anyType(types.Type) bool { return true }

var (
	pText   = keep("a string", types.StringType, types.Type.IsString)
	pBytes  = keep("bytes", types.BytesType, types.Type.IsBytes)
	pBinary = keep("a string or bytes", types.StringType, func(t types.Type) bool { return t.IsString() || t.IsBytes() })
	pInt    = keep("an integer", types.IntType, types.Type.IsInteger)
	pDouble = as("a number", types.DoubleType, types.Type.IsNumeric)
	pNumber = keep("a number", types.IntType, types.Type.IsNumeric)
	pBool   = keep("a boolean", types.BooleanType, func(t types.Type) bool { return t.Kind == types.Boolean })
	pSymbol = param{"a keyword", func(t types.Type) bool { return t.Kind == types.Symbol || t.IsString() }, func(t types.Type) types.Type { return t }}
	pAny    = keep("a value", types.StringType, anyType)
)

// returns is the result type of a function that always gives the same.
func returns(t types.Type) func([]types.Type) types.Type {
	return func([]types.Type) types.Type { return t }
}

// likeArg is the result type of a function that gives the type of argument i.
func likeArg(i int) func([]types.Type) types.Type {
	return func(args []types.Type) types.Type { return args[i] }
}

// varcharOf is VARCHAR of the length of argument i.
func varcharOf(i int) func([]types.Type) types.Type {
	return func(args []types.Type) types.Type { return types.VarCharType(args[i].Length) }
}

var (
	returnsString = returns(types.StringType)
	returnsInt    = returns(types.IntType)
	returnsBigInt = returns(types.BigIntType)
	returnsDouble = returns(types.DoubleType)
	returnsBool   = returns(types.BooleanType)
	returnsBytes  = returns(types.BytesType)
)

// failure keeps the first row error of a loop.
type failure struct{ err error }

func (f *failure) at(i int, err error) {
	if f.err == nil {
		f.err = &RowError{Row: i, Err: err}
	}
}

// kernelRows says how many rows a kernel must compute: one where all arguments are constants.
func kernelRows(args []vec.Vec, n int) (count int, konst bool) {
	if n == 0 || len(args) == 0 {
		return n, false
	}
	for _, a := range args {
		if !a.Const {
			return n, false
		}
	}
	return 1, true
}

// eval makes a kernel that is NULL where an argument is. column makes the column of n rows, of
// which validity knows the NULLs; it is not called where all are.
func eval(t types.Type, column func(c *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array) Kernel {
	return func(c *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(args, n)
		bits, none := vec.Validity(n, args...)
		if none {
			return vec.Vec{Arr: vec.NullColumn(t, n), Const: konst}, nil
		}
		var fail failure
		return vec.Vec{Arr: column(c, args, validity{bits, n}, &fail), Const: konst}, fail.err
	}
}

// evalAll makes a kernel that sees NULL arguments too: no row is taken to be NULL beforehand.
func evalAll(column func(c *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array) Kernel {
	return func(c *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(args, n)
		var fail failure
		return vec.Vec{Arr: column(c, args, validity{n: n}, &fail), Const: konst}, fail.err
	}
}

// textEval is the kernel of a strict function that gives text. start runs once a batch and gives the
// function of a row; so do the siblings.
func textEval(start func(a []vec.Vec) textRow) Kernel {
	return textCtxEval(types.StringType, func(_ *Ctx, a []vec.Vec, _ *failure) textRow { return start(a) })
}

func bytesEval(start func(a []vec.Vec) textRow) Kernel {
	return textCtxEval(types.BytesType, func(_ *Ctx, a []vec.Vec, _ *failure) textRow { return start(a) })
}

// textCtxEval is textEval for functions that need the context or may fail.
func textCtxEval(t types.Type, start func(c *Ctx, a []vec.Vec, fail *failure) textRow) Kernel {
	return eval(t, func(c *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
		return textColumn(t, m, start(c, a, fail))
	})
}

// fixedEval is the kernel of a strict function that gives a type of fixed width.
func fixedEval[T arrow.FixedWidthType](t types.Type, start func(a []vec.Vec) func(i int) (T, bool)) Kernel {
	return fixedCtxEval(t, func(_ *Ctx, a []vec.Vec, _ *failure) func(i int) (T, bool) { return start(a) })
}

// fixedCtxEval is fixedEval for functions that need the context or may fail.
func fixedCtxEval[T arrow.FixedWidthType](t types.Type, start func(c *Ctx, a []vec.Vec, fail *failure) func(i int) (T, bool)) Kernel {
	dt := t.Arrow()
	return eval(t, func(c *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
		return fixedRows(dt, m, start(c, a, fail))
	})
}

func intEval(start func(a []vec.Vec) func(i int) (int32, bool)) Kernel {
	return fixedEval(types.IntType, start)
}

// boolEval is the kernel of a strict predicate.
func boolEval(start func(a []vec.Vec) func(i int) (value, ok bool)) Kernel {
	return eval(types.BooleanType, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		return boolRows(m, start(a))
	})
}

// literalText is the value of a constant text or keyword argument.
func literalText(a Arg) (string, bool) {
	if a.Lit == nil || !a.Type.IsString() && a.Type.Kind != types.Symbol || a.Lit.IsNull(0) {
		return "", false // what is no text is refused where its type is looked at
	}
	t := vec.TextOf(*a.Lit)
	return t.String(0), true
}

// symbol is the value of a keyword argument, which the parser always gives as a constant.
func symbol(args []Arg, i int) string {
	if i >= len(args) {
		return ""
	}
	s, _ := literalText(args[i])
	return s
}
