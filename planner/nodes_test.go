package planner

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"weir/sql/types"
)

// everyNode has a node of each kind, keyed by its first column where it has keys, and the distribution that it
// wants of its first input.
func everyNode() map[string]struct {
	n    Node
	want DistKind
} {
	type entry = struct {
		n    Node
		want DistKind
	}
	schema := types.Schema{{Name: "a", Type: types.IntType}}
	b := func() *Base { return newBase(schema) }
	k, keys := []int{0}, JoinKeys{Left: []int{0}, Right: []int{0}, NullSafe: []bool{false}}
	in := func() Node { return &Values{Base: b()} }
	session := Window{Kind: Session, PartitionBy: k}
	return map[string]entry{
		"Scan":               {&Scan{Base: b()}, DistAny},
		"Values":             {&Values{Base: b()}, DistAny},
		"Calc":               {&Calc{Base: b(), Input: in()}, DistAny},
		"GroupAgg":           {&GroupAgg{Base: b(), Input: in(), Keys: k}, DistHash},
		"WindowTVF":          {&WindowTVF{Base: b(), Input: in(), Window: session}, DistHash},
		"WindowAgg":          {&WindowAgg{Base: b(), Input: in(), Keys: k}, DistHash},
		"Union":              {&Union{Base: b(), Ins: []Node{in(), in()}}, DistAny},
		"Limit":              {&Limit{Base: b(), Input: in()}, DistSingle},
		"Exchange":           {&Exchange{Base: b(), Input: in()}, DistAny},
		"ChangelogNormalize": {&ChangelogNormalize{Base: b(), Input: in(), Keys: k}, DistHash},
		"Sink":               {&Sink{Base: b(), Input: in()}, DistAny},
		"ToChangelog":        {&ToChangelog{Base: b(), Input: in()}, DistAny},
		"FromChangelog":      {&FromChangelog{Base: b(), Input: in()}, DistAny},
		"Collect":            {&Collect{Base: b(), Input: in()}, DistSingle},
		"Match":              {&Match{Base: b(), Input: in(), Partition: k}, DistHash},
		"Expand":             {&Expand{Base: b(), Input: in()}, DistAny},
		"Sort":               {&Sort{Base: b(), Input: in()}, DistSingle},
		"TopN":               {&TopN{Base: b(), Input: in(), Partition: k}, DistHash},
		"Dedup":              {&Dedup{Base: b(), Input: in(), Keys: k}, DistHash},
		"WindowTopN":         {&WindowTopN{Base: b(), Input: in(), Partition: k}, DistHash},
		"Over":               {&Over{Base: b(), Input: in(), Partition: k}, DistHash},
		"Join":               {&Join{Base: b(), Left: in(), Right: in(), Keys: keys}, DistHash},
		"IntervalJoin":       {&IntervalJoin{Base: b(), Left: in(), Right: in(), Keys: keys}, DistHash},
		"TemporalJoin":       {&TemporalJoin{Base: b(), Left: in(), Right: in(), Keys: keys}, DistHash},
		"LookupJoin":         {&LookupJoin{Base: b(), Input: in()}, DistAny},
		"WindowJoin":         {&WindowJoin{Base: b(), Left: in(), Right: in(), Keys: keys}, DistHash},
		"Unnest":             {&Unnest{Base: b(), Input: in()}, DistAny},
		"SetOp":              {&SetOp{Base: b(), Ins: []Node{in(), in()}}, DistHash},
		"UpsertMaterialize":  {&UpsertMaterialize{Base: b(), Input: in(), Keys: k}, DistHash},
	}
}

// nodeKinds lists the types with a method Inputs.
func nodeKinds(t *testing.T) []string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "Inputs" {
				continue
			}
			if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
				out = append(out, star.X.(*ast.Ident).Name)
			}
		}
	}
	return out
}

// TestEveryNode: each kind of node is known to each switch over nodes. A kind that is not in everyNode fails here.
func TestEveryNode(t *testing.T) {
	nodes := everyNode()
	kinds := nodeKinds(t)
	if len(kinds) < 20 {
		t.Fatalf("found %v only", kinds)
	}
	for _, kind := range kinds {
		e, ok := nodes[kind]
		if !ok {
			t.Errorf("%s: add it to everyNode, with the distribution it wants", kind)
			continue
		}
		if got := kindName(e.n); got != kind {
			t.Errorf("%s is named %q", kind, got)
		}
		for i := range e.n.Inputs() {
			other := &Values{Base: newBase(types.Schema{{Name: "a", Type: types.IntType}})}
			if setInput(e.n, i, other); e.n.Inputs()[i] != Node(other) {
				t.Errorf("%s: input %d was not set", kind, i)
			}
		}
		if got := wants(e.n, 0).Kind; got != e.want {
			t.Errorf("%s wants %v, not %v", kind, got, e.want)
		}
	}
}
