package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// Model is a resolved model of the catalog: something outside that gives Output for Input.
type Model struct {
	Path          [3]string
	Input, Output types.Schema
	Options       map[string]string
	Comment       string
	Temporary     bool

	// table is the model as the table that it is asked as: a row of Output for the key Input.
	table *Table
}

// modelOptions are the options of every model, whatever its provider.
type modelOptions struct {
	provider, task, onError string
	retries                 int
}

// Options implements option.Config.
func (m *modelOptions) Options(o *option.Set) {
	o.String(&m.provider, "provider", "", "Who answers.").Must()
	o.String(&m.task, "task", "", "What the model does, as in Flink: for people to read.")
	o.Int(&m.retries, "lookup.max-retries", 3, "How often a request that fails in passing is made again.")
	o.Enum(&m.onError, "on-error", "fail", []string{"fail", "null", "log"}, "What a request that failed does: fail the job, give NULLs, or have its rows rejected, as `error-handling.mode` of the table that they come from has it.")
}

// CreateModel resolves CREATE MODEL and adds the model to the catalog.
func (p *Planner) CreateModel(s *ast.CreateModel) error {
	path, err := p.Catalog.Path(s.Name)
	if err != nil {
		return err
	}
	if s.As != nil {
		return notYet(s.As, "CREATE MODEL ... AS, which trains a model; train it elsewhere, and name it in WITH")
	}
	m := &Model{Path: path, Comment: textOf(s.Comment), Temporary: s.Temporary, Options: map[string]string{}}
	var errs sql.ErrorList
	m.Input, m.Output = modelColumns(s.Input, &errs), modelColumns(s.Output, &errs)
	if len(s.Input) == 0 || len(s.Output) == 0 {
		addError(&errs, sql.Errorf(s.Name, "a model has INPUT and OUTPUT columns").WithHint("write CREATE MODEL %s INPUT (x DOUBLE) OUTPUT (y DOUBLE) WITH ('provider' = '...')", s.Name.Last()))
	}
	values := map[string]option.Value{}
	for _, o := range s.Options {
		if _, dup := values[o.Key.Value]; dup {
			addError(&errs, sql.Errorf(o.Key, "option %q is given twice", o.Key.Value))
		}
		values[o.Key.Value] = option.Value{Text: o.Value.Value, KeyPos: o.Key.Pos(), ValuePos: o.Value.Pos()}
		m.Options[o.Key.Value] = o.Value.Value
	}
	if err := errs.Err(); err != nil {
		return err
	}
	if err := p.checkModel(m, s.Name, values); err != nil {
		return err
	}
	return p.Catalog.putModel(s, m)
}

func modelColumns(list []*ast.Column, errs *sql.ErrorList) (out types.Schema) {
	for _, c := range list {
		switch {
		case c.Kind != ast.PhysicalColumn:
			addError(errs, sql.Errorf(c, "a column of a model has a name and a type"))
			continue
		case out.Index(c.Name.Name) >= 0:
			addError(errs, sql.Errorf(&c.Name, "column %q is declared twice", c.Name.Name))
		}
		t, err := resolveType(c.Type)
		if err != nil {
			addError(errs, err)
		}
		out = append(out, types.Column{Name: c.Name.Name, Type: t})
	}
	return out
}

// checkModel decodes the model's options, and has its provider look at them.
func (p *Planner) checkModel(m *Model, at *ast.Name, values map[string]option.Value) error {
	t := &Table{Path: m.Path, Options: m.Options, Temporary: m.Temporary}
	for _, c := range append(slices.Clone(m.Output), m.Input...) {
		t.Columns = append(t.Columns, TableColumn{Name: c.Name, Type: c.Type})
	}
	t.Desc = &connectors.TableDesc{Name: pathText(m.Path), Columns: append(slices.Clone(m.Output), m.Input...), Options: m.Options}
	m.table = t
	cfg, _, err := p.provider(m, values, at)
	if err != nil {
		return err
	}
	t.secrets = option.Secrets(values, p.Providers[m.Options["provider"]].New(), &modelOptions{})
	l, err := cfg.Lookup(t.Desc, m.scan(), p.Env)
	if err != nil {
		return sql.Errorf(at, "model %q: %s", m.Path[2], err)
	}
	return l.Close()
}

// scan is what ML_PREDICT asks a model: all outputs for all inputs.
func (m *Model) scan() connectors.LookupScan {
	return connectors.LookupScan{Columns: m.Output, Keys: m.Input}
}

// provider makes the configuration of a model's provider.
func (p *Planner) provider(m *Model, values map[string]option.Value, at ast.Node) (connectors.LooksUp, *modelOptions, error) {
	name, ok := values["provider"]
	names := slices.Sorted(maps.Keys(p.Providers))
	if !ok {
		return nil, nil, sql.Errorf(at, "the model names no provider").WithHint("add WITH ('provider' = '...'), one of %s", strings.Join(names, ", "))
	}
	c, ok := p.Providers[name.Text]
	if !ok {
		err := sql.Errorf(at, "provider %q is not known", name.Text)
		if name.ValuePos >= 0 {
			err = &sql.Error{Pos: name.ValuePos, Len: len(name.Text) + 2, Msg: fmt.Sprintf("provider %q is not known", name.Text)}
		}
		return nil, nil, suggest(err, name.Text, names)
	}
	cfg, common := c.New(), &modelOptions{}
	if _, err := option.Decode(values, cfg, common); err != nil {
		return nil, nil, optionErrors(err, values, at)
	}
	return cfg.(connectors.LooksUp), common, nil
}

// putModel adds a model to the catalog.
func (c *Catalog) putModel(s *ast.CreateModel, m *Model) error {
	if c.database(m.Path) == nil {
		return sql.Errorf(s.Name, "no database %q in catalog %q", m.Path[1], m.Path[0])
	}
	to := c.models
	if m.Temporary {
		to = c.tempModels
	}
	if to[m.Path] != nil && !s.OrReplace {
		return existsError(s.Name, s.IfNotExists)
	}
	to[m.Path] = m
	return nil
}

// Model gives the model of a name.
func (c *Catalog) Model(n *ast.Name) (*Model, error) {
	path, err := c.Path(n)
	if err != nil {
		return nil, err
	}
	if m := c.ModelAt(path); m != nil {
		return m, nil
	}
	e := sql.Errorf(n, "no model %q", n.String())
	names := c.Models(path[0], path[1])
	if len(names) == 0 {
		return nil, e.WithHint("there is no model yet: make one with CREATE MODEL")
	}
	return nil, suggest(e, path[2], names)
}

// ModelAt gives the model of a path, temporary ones first; nil if there is none.
func (c *Catalog) ModelAt(path [3]string) *Model {
	if m := c.tempModels[path]; m != nil {
		return m
	}
	return c.models[path]
}

// Models lists the models of a database, sorted.
func (c *Catalog) Models(catalog, db string) (out []string) {
	for _, from := range []map[[3]string]*Model{c.models, c.tempModels} {
		for path := range from {
			if path[0] == catalog && path[1] == db {
				out = append(out, path[2])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *Catalog) dropModel(d *ast.Drop) error {
	path, err := c.Path(d.Name)
	if err != nil {
		return err
	}
	from := c.models
	if d.Temporary {
		from = c.tempModels
	} else if c.tempModels[path] != nil {
		return sql.Errorf(d.Name, "%q is temporary", d.Name.String()).WithHint("write DROP TEMPORARY MODEL")
	}
	if from[path] == nil {
		return missing(d, "model", c.Models(path[0], path[1]))
	}
	delete(from, path)
	return nil
}

// ModelDDL prints the CREATE MODEL that makes the model. Values of secret options are masked unless secrets.
func ModelDDL(m *Model, secrets bool) string {
	var b strings.Builder
	b.WriteString("CREATE ")
	if m.Temporary {
		b.WriteString("TEMPORARY ")
	}
	fmt.Fprintf(&b, "MODEL %s\n", quotePath(m.Path))
	for _, part := range []struct {
		word string
		cols types.Schema
	}{{"INPUT", m.Input}, {"OUTPUT", m.Output}} {
		lines := make([]string, len(part.cols))
		for i, c := range part.cols {
			lines[i] = quoteIdent(c.Name) + " " + typeDDL(c.Type)
		}
		fmt.Fprintf(&b, "%s (%s)\n", part.word, strings.Join(lines, ", "))
	}
	if m.Comment != "" {
		b.WriteString("COMMENT " + quoteText(m.Comment) + "\n")
	}
	var lines []string
	for _, k := range sortedKeys(m.Options) {
		v := m.Options[k]
		if !secrets {
			v = m.table.shownValue(k)
		}
		lines = append(lines, "  "+quoteText(k)+" = "+quoteText(v))
	}
	b.WriteString("WITH (\n" + strings.Join(lines, ",\n") + "\n)\n")
	return b.String()
}
