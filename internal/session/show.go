package session

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"weir/connectors/option"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

func (s *Session) show(ctx context.Context, st *ast.Show) (*Result, error) {
	cat := s.plan.Catalog
	catalog, db, err := s.scope(st)
	if err != nil {
		return nil, err
	}
	switch st.What {
	case "TABLES":
		return list(st, "table name", append(cat.Tables(catalog, db), s.rejectTables(catalog, db)...))
	case "VIEWS":
		return list(st, "view name", cat.Views(catalog, db))
	case "CATALOGS":
		return list(st, "catalog name", cat.Catalogs())
	case "DATABASES":
		if st.Scope != nil {
			catalog = st.Scope.Last()
		}
		names, ok := cat.Databases(catalog)
		if !ok {
			return nil, sql.Errorf(st.Scope, "no catalog %q", catalog)
		}
		return list(st, "database name", names)
	case "CURRENT CATALOG":
		return list(st, "current catalog name", cat.Current[:1])
	case "CURRENT DATABASE":
		return list(st, "current database name", cat.Current[1:])
	case "FUNCTIONS":
		return list(st, "function name", FunctionNames())
	case "MODELS":
		return list(st, "model name", cat.Models(catalog, db))
	case "USER FUNCTIONS", "JARS", "PROCEDURES", "MATERIALIZED TABLES":
		return list(st, strings.ToLower(st.What), nil)
	case "MODULES", "FULL MODULES":
		return list(st, "module name", []string{"core"})
	case "CONNECTORS":
		return list(st, "connector", s.connectorNames())
	case "JOBS":
		return s.showJobs(ctx)
	case "COLUMNS":
		return s.showColumns(st)
	case "CREATE MODEL":
		m, err := cat.Model(st.Name)
		if err != nil {
			return nil, err
		}
		return &Result{Kind: Table, Columns: []string{"result"}, Cells: [][]string{{planner.ModelDDL(m, false)}}, Plain: true}, nil
	case "CREATE TABLE", "CREATE VIEW":
		return s.showCreate(st)
	}
	return nil, sql.Errorf(st, "SHOW %s is not supported yet", st.What)
}

// scope is the catalog and the database that SHOW lists.
func (s *Session) scope(st *ast.Show) (catalog, db string, err error) {
	cat := s.plan.Catalog
	catalog, db = cat.Current[0], cat.Current[1]
	if st.Scope == nil || st.What == "COLUMNS" {
		return catalog, db, nil
	}
	parts := strings.Split(st.Scope.String(), ".")
	db = st.Scope.Last()
	if len(parts) > 1 {
		catalog = parts[0]
	}
	names, ok := cat.Databases(catalog)
	switch {
	case !ok:
		err = sql.Errorf(st.Scope, "no catalog %q", catalog)
	case st.What != "DATABASES" && db != planner.SystemDatabase && !slices.Contains(names, db):
		err = sql.Errorf(st.Scope, "no database %q in catalog %q", db, catalog)
	}
	return catalog, db, err
}

// list is names in one column, filtered by LIKE.
func list(st *ast.Show, column string, names []string) (*Result, error) {
	r := &Result{Kind: Table, Columns: []string{column}}
	keep := func(string) bool { return true }
	if st.Pattern != nil {
		re := likePattern(st.Pattern.Value, st.Like == "ILIKE")
		keep = func(name string) bool { return re.MatchString(name) != st.Not }
	}
	names = append([]string(nil), names...)
	sort.Strings(names)
	for _, n := range names {
		if keep(n) {
			r.Cells = append(r.Cells, []string{n})
		}
	}
	return r, nil
}

// likePattern makes a regular expression of a LIKE pattern.
func likePattern(pattern string, fold bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?s)^")
	if fold {
		b.WriteString("(?i)")
	}
	for _, r := range pattern {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(b.String() + "$")
}

func (s *Session) connectorNames() []string {
	var names []string
	for n := range s.plan.Connectors {
		names = append(names, n)
	}
	return names
}

func (s *Session) showCreate(st *ast.Show) (*Result, error) {
	path, err := s.plan.Catalog.Path(st.Name)
	if err != nil {
		return nil, err
	}
	ddl := ""
	switch table, view := s.plan.Catalog.Lookup(path); {
	case table != nil:
		ddl = planner.DDL(table, false)
	case view != nil:
		ddl = planner.ViewDDL(view)
	default:
		return nil, sql.Errorf(st.Name, "no table or view %q", st.Name.String())
	}
	return &Result{Kind: Table, Columns: []string{"result"}, Cells: [][]string{{ddl}}, Plain: true}, nil
}

func (s *Session) showColumns(st *ast.Show) (*Result, error) {
	r, err := s.columnsOf(st.Scope)
	if err != nil || st.Pattern == nil {
		return r, err
	}
	re := likePattern(st.Pattern.Value, st.Like == "ILIKE")
	var kept [][]string
	for _, row := range r.Cells {
		if re.MatchString(row[0]) != st.Not {
			kept = append(kept, row)
		}
	}
	r.Cells = kept
	return r, nil
}

func (s *Session) describe(ctx context.Context, st *ast.Describe) (*Result, error) {
	name := ""
	if st.Name != nil {
		name = st.Name.String()
	} else if st.Text != nil {
		name = st.Text.Value
	}
	switch st.Kind {
	case "":
		return s.columnsOf(st.Name)
	case "FUNCTION":
		text, ok := FunctionDoc(name)
		if !ok {
			return nil, sql.Errorf(st, "no function %q", name).WithHint("SHOW FUNCTIONS lists them")
		}
		return &Result{Kind: Table, Columns: []string{"result"}, Cells: [][]string{{text}}, Plain: true}, nil
	case "CONNECTOR":
		return s.describeConnector(st, name)
	case "MODEL":
		return s.describeModel(st)
	case "JOB":
		return s.describeJob(ctx, st, name)
	}
	return nil, sql.Errorf(st, "DESCRIBE %s is not supported yet", st.Kind)
}

// describeModel lists a model's columns as Flink does.
func (s *Session) describeModel(st *ast.Describe) (*Result, error) {
	m, err := s.plan.Catalog.Model(st.Name)
	if err != nil {
		return nil, err
	}
	r := &Result{Kind: Table, Columns: []string{"name", "type", "null", "is input"}}
	for i, c := range append(append(types.Schema{}, m.Input...), m.Output...) {
		r.Cells = append(r.Cells, []string{c.Name, c.Type.WithNull(true).String(), nullText(c.Type.Nullable()), strings.ToUpper(strconv.FormatBool(i < len(m.Input)))})
	}
	return r, nil
}

// columnsOf describes a table or view as Flink does: name, type, null, key, extras, watermark.
func (s *Session) columnsOf(name *ast.Name) (*Result, error) {
	path, err := s.plan.Catalog.Path(name)
	if err != nil {
		return nil, err
	}
	r := &Result{Kind: Table, Columns: []string{"name", "type", "null", "key", "extras", "watermark", "comment"}}
	table, view := s.plan.Catalog.Lookup(path)
	switch {
	case table != nil:
		for _, c := range table.Columns {
			r.Cells = append(r.Cells, describeColumn(table, c))
		}
	case view != nil:
		for _, c := range view.Columns {
			r.Cells = append(r.Cells, []string{c.Name, c.Type.WithNull(true).String() + attrText(c.TimeAttr), nullText(c.Type.Nullable()), "", "", "", ""})
		}
	default:
		_, err := s.plan.Catalog.Table(name) // says what is missing, and what is near
		return nil, err
	}
	comments := false
	for _, row := range r.Cells {
		comments = comments || row[len(row)-1] != ""
	}
	if !comments { // the column is there where some column has a comment, as in Flink
		r.Columns = r.Columns[:len(r.Columns)-1]
		for i, row := range r.Cells {
			r.Cells[i] = row[:len(row)-1]
		}
	}
	return r, nil
}

// attrText marks time attributes.
func attrText(a types.TimeAttr) string {
	switch a {
	case types.RowTime:
		return " *ROWTIME*"
	case types.ProcTime:
		return " *PROCTIME*"
	}
	return ""
}

func nullText(nullable bool) string { return strings.ToUpper(fmt.Sprint(nullable)) }

func describeColumn(t *planner.Table, c planner.TableColumn) []string {
	typ := c.Type.WithNull(true).String()
	switch {
	case c.Name == t.RowTime:
		typ += attrText(types.RowTime)
	case c.IsProcTime():
		typ += attrText(types.ProcTime)
	}
	key := ""
	for _, k := range t.PrimaryKey {
		if k == c.Name {
			key = "PRI(" + strings.Join(t.PrimaryKey, ", ") + ")"
		}
	}
	extra, wm := "", ""
	switch c.Kind {
	case planner.Computed:
		extra = "AS " + c.ComputedText()
	case planner.Metadata:
		extra = "METADATA"
		if c.Key != c.Name {
			extra += " FROM '" + c.Key + "'"
		}
		if c.Virtual {
			extra += " VIRTUAL"
		}
	}
	if c.Name == t.RowTime {
		wm = t.WatermarkText()
	}
	return []string{c.Name, typ, nullText(c.Type.Nullable()), key, extra, wm, c.Comment}
}

func (s *Session) describeConnector(st *ast.Describe, name string) (*Result, error) {
	c, ok := s.plan.Connectors[strings.ToLower(name)]
	if !ok {
		e := sql.Errorf(st, "no connector %q", name)
		if near := option.Near(name, s.connectorNames()); near != "" {
			return nil, e.WithHint("did you mean %q?", near)
		}
		return nil, e
	}
	r := &Result{Kind: Table, Columns: []string{"option", "type", "default", "description"}}
	for _, o := range option.Describe(c.New()) {
		if !o.Unused {
			r.Cells = append(r.Cells, []string{o.Key, o.Type, o.Default, o.Doc})
		}
	}
	return r, nil
}
