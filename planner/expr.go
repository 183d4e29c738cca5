package planner

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/ast"
	"weir/sql/fn"
	"weir/sql/types"
)

// Expr is a bound expression over the columns of one input: plain data. exec/expr compiles it.
type Expr interface {
	// Type is the type of its value.
	Type() types.Type
	expr()
}

// ColRef is column Index of the input.
type ColRef struct {
	Index int
	T     types.Type
}

// Literal is a constant: an array of one value in the layout of T.
type Literal struct {
	T   types.Type
	Val arrow.Array
	// Call is the function whose result was computed at planning, or "": a JSON function tells by it
	// whether a text is JSON already.
	Call string
	// Absent: a NULL that ITEM gave for an element of a type that is NOT NULL; see absent.go.
	Absent bool
	// Refused is why Flink refuses to compute the constant at planning; nil: it does not. It counts where
	// the constant is not part of a greater one.
	Refused error
}

// Call is a call of a scalar function of sql/fn by its name. Args already have the types the
// function wants (ArgTypes); exec resolves the kernel again with the same argument types.
type Call struct {
	Func string
	Args []Expr
	T    types.Type

	at ast.Node // its place, for warnings; nil: none
}

// Cast is CAST(X AS T), or TRY_CAST. Implicit casts are the same node.
type Cast struct {
	X        Expr
	T        types.Type
	Try      bool
	Implicit bool
}

// And is a lazy, left to right conjunction: an arm sees only the rows that the arms before it did not decide.
type And struct{ Args []Expr }

// Or is the lazy disjunction.
type Or struct{ Args []Expr }

// Not is three-valued negation.
type Not struct{ X Expr }

// Case is CASE WHEN; the simple form is bound to it, and IF too. Arms are lazy. Else may be nil (NULL).
type Case struct {
	Whens []When
	Else  Expr
	T     types.Type
}

// When is an arm of a Case.
type When struct{ Cond, Then Expr }

// In tells whether X is one of the constants of List (all of X's type); NULLs by SQL's rules.
type In struct {
	X    Expr
	List []Expr // literals
	Neg  bool
}

// Field is field Index of a ROW.
type Field struct {
	X     Expr
	Index int
	T     types.Type
}

// Type of a ColRef, and so on for each node.
func (e *ColRef) Type() types.Type  { return e.T }
func (e *Literal) Type() types.Type { return e.T }
func (e *Call) Type() types.Type    { return e.T }
func (e *Cast) Type() types.Type    { return e.T }
func (e *And) Type() types.Type     { return boolType(e.Args...) }
func (e *Or) Type() types.Type      { return boolType(e.Args...) }
func (e *Not) Type() types.Type     { return boolType(e.X) }
func (e *Case) Type() types.Type    { return e.T }
func (e *In) Type() types.Type      { return boolType(append([]Expr{e.X}, e.List...)...) }
func (e *Field) Type() types.Type   { return e.T }

func (*ColRef) expr()  {}
func (*Literal) expr() {}
func (*Call) expr()    {}
func (*Cast) expr()    {}
func (*And) expr()     {}
func (*Or) expr()      {}
func (*Not) expr()     {}
func (*Case) expr()    {}
func (*In) expr()      {}
func (*Field) expr()   {}

// boolType is BOOLEAN, nullable if any operand is.
func boolType(args ...Expr) types.Type {
	t := types.Type{Kind: types.Boolean, NotNull: true}
	for _, a := range args {
		if a.Type().Nullable() {
			t.NotNull = false
		}
	}
	return t
}

// AggCall is a call of an aggregate function of sql/fn over columns of the input.
type AggCall struct {
	Func     string
	Args     []int // columns of the input, already of the types the accumulator wants
	Distinct bool
	Filter   int // a BOOLEAN column of the input, or -1
	T        types.Type
	Name     string // for display
	// Consts holds the value of arguments that are constants (a separator, a percentage), else nil at that place.
	Consts []*Literal
	// ArgTypes are the types of the arguments, as the aggregate was resolved with; a global phase's Args
	// are the local phase's state columns instead.
	ArgTypes []types.Type
	// Retract: rows may also be taken away.
	Retract bool

	resolved *fn.AggCall
	at       ast.Node // its place, of an OVER call
}
