package planner

import (
	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
)

// AlterModel is ALTER MODEL ... SET, RESET and RENAME TO: the change is checked as CREATE MODEL would, and nothing changes on a mistake.
func (p *Planner) AlterModel(s *ast.AlterObject) error {
	c := p.Catalog
	path, err := c.Path(s.Name)
	if err != nil {
		return err
	}
	switch {
	case c.tempModels[path] != nil: // as in Flink
		return sql.Errorf(s.Name, "model %q is temporary, and cannot be altered", s.Name.String()).WithHint("make it anew with CREATE OR REPLACE TEMPORARY MODEL")
	case c.models[path] == nil && s.IfExists:
		return nil
	case c.models[path] == nil:
		_, err := c.Model(s.Name) // says what is near
		return err
	}
	if to, ok := s.Action.(*ast.RenameTo); ok {
		return p.renameModel(c.models[path], to.Name)
	}
	m := *c.models[path]
	values := m.table.optionValues()
	if err := alterOptions(values, s.Action); err != nil {
		return err
	}
	m.Options = map[string]string{}
	for k, v := range values {
		m.Options[k] = v.Text
	}
	if err := p.checkModel(&m, s.Name, values); err != nil {
		return err
	}
	c.models[path] = &m
	return nil
}

// alterOptions changes a model's options.
func alterOptions(values map[string]option.Value, a ast.AlterAction) error {
	switch a := a.(type) {
	case *ast.SetOptions:
		if len(a.Options) == 0 {
			return sql.Errorf(a, "SET names no option").WithHint("write SET ('option' = 'value')")
		}
		for _, o := range a.Options {
			values[o.Key.Value] = option.Value{Text: o.Value.Value, KeyPos: o.Key.Pos(), ValuePos: o.Value.Pos()}
		}
	case *ast.ResetOptions:
		if len(a.Keys) == 0 {
			return sql.Errorf(a, "RESET names no option").WithHint("write RESET ('option')")
		}
		for _, k := range a.Keys {
			if k.Value == "provider" {
				return sql.Errorf(k, "option %q cannot be taken away", k.Value).WithHint("SET another provider")
			}
			delete(values, k.Value)
		}
	default:
		return notYet(a, "this change of a model")
	}
	return nil
}

// renameModel gives a model another name, also in another database.
func (p *Planner) renameModel(m *Model, to *ast.Name) error {
	c := p.Catalog
	path, err := c.Path(to)
	switch {
	case err != nil:
		return err
	case c.database(path) == nil:
		return sql.Errorf(to, "no database %q in catalog %q", path[1], path[0])
	case c.models[path] != nil:
		return sql.Errorf(to, "%q exists already", to.String()).WithHint("DROP it first, or take another name")
	}
	renamed := *m
	renamed.Path = path
	if err := p.checkModel(&renamed, to, renamed.table.optionValues()); err != nil {
		return err
	}
	delete(c.models, m.Path)
	c.models[path] = &renamed
	return nil
}
