package planner

import (
	"fmt"
	"slices"
	"strings"

	"weir/sql/ast"
)

// partitioning are the connectors for which PARTITIONED BY means something.
var partitioning = []string{"filesystem", "kinesis"}

// TableWarnings tells what has no effect in a table that was made.
func (c *Catalog) TableWarnings(s *ast.CreateTable) []Warning {
	t, err := c.Table(s.Name)
	if err != nil || len(t.PartitionBy) == 0 || slices.Contains(partitioning, t.Options["connector"]) {
		return nil
	}
	w := Warning{Msg: fmt.Sprintf("PARTITIONED BY has no effect: connector %q does not partition", t.Options["connector"]), Hint: "leave it out"}
	if len(s.PartitionedBy) > 0 {
		w = w.put(&s.PartitionedBy[0])
	}
	return []Warning{w}
}

// DropWarnings names the views that read a table or view which is about to go.
func (c *Catalog) DropWarnings(d *ast.Drop) []Warning {
	path, err := c.Path(d.Name)
	if err != nil || d.Kind != "TABLE" && d.Kind != "VIEW" || c.get(path) == nil {
		return nil
	}
	var names []string
	for _, o := range c.views() {
		reads := false
		ast.Walk(o.view.query, func(n ast.Node) bool {
			if t, ok := n.(*ast.Table); ok {
				p, err := c.Path(t.Name)
				reads = reads || err == nil && p == path
			}
			return !reads
		})
		if reads && o.path != path {
			names = append(names, fmt.Sprintf("%q", o.path[2]))
		}
	}
	if len(names) == 0 {
		return nil
	}
	what := "view " + names[0] + " reads"
	if len(names) > 1 {
		what = "views " + strings.Join(names, ", ") + " read"
	}
	return []Warning{{Msg: fmt.Sprintf("%s %q, and will not run until there is one of that name again", what, d.Name.Last()), Hint: "drop what reads it first"}}
}

// views are all views, by their names.
func (c *Catalog) views() []*object {
	var out []*object
	for _, o := range c.temp {
		if o.view != nil {
			out = append(out, o)
		}
	}
	for _, cat := range c.catalogs {
		for _, db := range cat.databases {
			for _, o := range db.objects {
				if o.view != nil {
					out = append(out, o)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b *object) int { return slices.Compare(a.path[:], b.path[:]) })
	return out
}
