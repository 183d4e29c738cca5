package exec

import (
	"fmt"

	"weir/planner"
)

// stage is a part of a plan that runs as one task an instance: a head and the single-input nodes
// chained behind it.
type stage struct {
	name        string // stable: the head's ID
	head        planner.Node
	parallelism int
	nodes       int
	tasks       []*task
	board       *board // of a scan
}

// graph is a plan cut into stages.
type graph struct {
	settings  *planner.Settings
	roots     []planner.Node
	stages    []*stage // inputs before their consumers
	of        map[planner.Node]*stage
	consumers map[planner.Node][]consumer
}

// consumer is a node at the end of an edge of the plan.
type consumer struct {
	node planner.Node
	port int
}

func newGraph(p *planner.Plan) *graph {
	g := &graph{settings: &p.Settings, roots: p.Roots, of: map[planner.Node]*stage{}, consumers: map[planner.Node][]consumer{}}
	seen := map[planner.Node]bool{}
	for _, root := range p.Roots {
		g.link(root, seen)
	}
	for _, root := range p.Roots {
		g.stageOf(root)
	}
	return g
}

// link notes who consumes each node.
func (g *graph) link(n planner.Node, seen map[planner.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	for i, in := range n.Inputs() {
		g.consumers[in] = append(g.consumers[in], consumer{n, i})
		g.link(in, seen)
	}
}

// stageOf gives the stage of a node; that of an Exchange is its input's.
func (g *graph) stageOf(n planner.Node) *stage {
	if s := g.of[n]; s != nil {
		return s
	}
	ins := n.Inputs()
	for _, in := range ins {
		g.stageOf(in)
	}
	var s *stage
	switch {
	case isExchange(n):
		s = g.of[ins[0]]
	case len(ins) == 1 && !isExchange(ins[0]) && !g.moves(n, g.of[ins[0]]):
		s = g.of[ins[0]]
		s.nodes++
	default:
		s = &stage{name: n.Info().ID, head: n, parallelism: g.parallelism(n), nodes: 1}
		if s.name == "" {
			s.name = fmt.Sprintf("stage-%d", len(g.stages))
		}
		g.stages = append(g.stages, s)
	}
	g.of[n] = s
	return s
}

// moves tells whether a node with one input runs at another parallelism than its input.
func (g *graph) moves(n planner.Node, in *stage) bool {
	p := n.Info().Parallelism
	return p > 0 && p != in.parallelism
}

func isExchange(n planner.Node) bool {
	_, ok := n.(*planner.Exchange)
	return ok
}

// parallelism is the number of instances of a stage with that head.
func (g *graph) parallelism(n planner.Node) int {
	want := max(1, g.settings.Parallelism)
	if p := n.Info().Parallelism; p > 0 {
		want = p
	}
	if _, ok := n.(*planner.Values); ok {
		return 1
	}
	forward := 0
	for _, in := range n.Inputs() {
		if x, ok := in.(*planner.Exchange); !ok {
			forward = max(forward, g.of[in].parallelism)
		} else if x.Dist.Kind == planner.DistSingle {
			return 1
		}
	}
	if forward > 0 && n.Info().Parallelism == 0 {
		return forward
	}
	return want
}
