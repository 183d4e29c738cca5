package planner

import (
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// CreateView resolves CREATE VIEW and adds the view to the catalog. src is the text that the
// statement's positions refer to.
func (p *Planner) CreateView(s *ast.CreateView, src string) error {
	path, err := p.Catalog.Path(s.Name)
	if err != nil {
		return err
	}
	if p.Catalog.exists(path, s.Temporary) && !s.OrReplace {
		return existsError(s.Name, s.IfNotExists)
	}
	b := p.binder()
	b.views = append(b.views, strings.Join(path[:], ".")) // a view that is replaced cannot be read by the new one
	n, err := b.query(s.Query, nil)
	if err != nil {
		return err
	}
	out := append(types.Schema(nil), n.Info().Out...)
	if len(s.Columns) > 0 {
		if len(s.Columns) != len(out) {
			return sql.Errorf(s.Columns[0], "%s for %s of the query", countWord(len(s.Columns), "name"), countWord(len(out), "column"))
		}
		for i, c := range s.Columns {
			out[i].Name = c.Name.Name
		}
	}
	v := &View{Path: path, Columns: out, Text: textAt(src, s.Query), Comment: textOf(s.Comment), Temporary: s.Temporary, query: s.Query, columns: out.Names()}
	_, err = p.Catalog.put(s.Name, &object{path: path, view: v}, s.Temporary, s.OrReplace, s.IfNotExists)
	return err
}
