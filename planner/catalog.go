package planner

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// The names that exist from the start, as in Flink.
const (
	DefaultCatalog  = "default_catalog"
	DefaultDatabase = "default_database"
)

// Catalog is the catalogs, databases, tables and views of one session. Names are case-sensitive. It is
// used by one goroutine at a time.
type Catalog struct {
	catalogs           map[string]*catalogEntry
	temp               map[[3]string]*object // temporary objects hide permanent ones of the same name
	models, tempModels map[[3]string]*Model
	Current            [2]string // catalog and database that names without them mean
}

type catalogEntry struct {
	comment   string
	options   map[string]string
	databases map[string]*database
}

type database struct {
	comment string
	options map[string]string
	objects map[string]*object
}

// object is a table or a view.
type object struct {
	path  [3]string
	table *Table
	view  *View
}

// View is a named query.
type View struct {
	Path      [3]string
	Columns   types.Schema
	Text      string // of the query
	Comment   string
	Temporary bool

	query   ast.Query
	columns []string
}

// NewCatalog makes a catalog with the default catalog and database.
func NewCatalog() *Catalog {
	c := &Catalog{catalogs: map[string]*catalogEntry{}, temp: map[[3]string]*object{}, models: map[[3]string]*Model{}, tempModels: map[[3]string]*Model{}, Current: [2]string{DefaultCatalog, DefaultDatabase}}
	c.catalogs[DefaultCatalog] = newCatalogEntry("", nil)
	c.catalogs[DefaultCatalog].databases[DefaultDatabase] = newDatabase("", nil)
	return c
}

func newCatalogEntry(comment string, options map[string]string) *catalogEntry {
	return &catalogEntry{comment: comment, options: options, databases: map[string]*database{}}
}

func newDatabase(comment string, options map[string]string) *database {
	return &database{comment: comment, options: options, objects: map[string]*object{}}
}

// Path makes a name whole with the current catalog and database.
func (c *Catalog) Path(n *ast.Name) ([3]string, error) {
	p := n.Parts
	switch len(p) {
	case 1:
		return [3]string{c.Current[0], c.Current[1], p[0].Name}, nil
	case 2:
		return [3]string{c.Current[0], p[0].Name, p[1].Name}, nil
	case 3:
		return [3]string{p[0].Name, p[1].Name, p[2].Name}, nil
	}
	return [3]string{}, sql.Errorf(n, "name %q has too many parts", n.String()).WithHint("write catalog.database.name")
}

func (c *Catalog) database(path [3]string) *database {
	if cat := c.catalogs[path[0]]; cat != nil {
		return cat.databases[path[1]]
	}
	return nil
}

// get finds an object, temporary ones first; nil if there is none. What a table rejected is a table too, and so is what weir tells of itself.
func (c *Catalog) get(path [3]string) *object {
	if o := c.declared(path); o != nil {
		return o
	}
	if o := c.system(path); o != nil {
		return o
	}
	return c.rejects(path)
}

// declared finds an object that a statement made.
func (c *Catalog) declared(path [3]string) *object {
	if o := c.temp[path]; o != nil {
		return o
	}
	if db := c.database(path); db != nil {
		return db.objects[path[2]]
	}
	return nil
}

// find finds the object that a name means, or says which is near.
func (c *Catalog) find(n *ast.Name) (*object, error) {
	path, err := c.Path(n)
	if err != nil {
		return nil, err
	}
	if o := c.get(path); o != nil {
		return o, nil
	}
	if c.catalogs[path[0]] == nil {
		return nil, suggest(sql.Errorf(n, "no catalog %q", path[0]), path[0], c.Catalogs())
	}
	if c.database(path) == nil {
		names, _ := c.Databases(path[0])
		return nil, suggest(sql.Errorf(n, "no database %q in catalog %q", path[1], path[0]), path[1], names)
	}
	e := sql.Errorf(n, "no table %q", n.String())
	names := c.Tables(path[0], path[1])
	if len(names) == 0 {
		return nil, e.WithHint("there is no table yet: make one with CREATE TABLE")
	}
	return nil, suggest(e, path[2], names)
}

// Table finds a table by its name as written; nil if there is none or it is a view.
func (c *Catalog) Table(n *ast.Name) (*Table, error) {
	o, err := c.find(n)
	if err != nil {
		return nil, err
	}
	if o.table == nil {
		return nil, sql.Errorf(n, "%q is a view, not a table", n.String())
	}
	return o.table, nil
}

// Lookup gives the table or the view of a whole path; both nil if there is none.
func (c *Catalog) Lookup(path [3]string) (*Table, *View) {
	if o := c.get(path); o != nil {
		return o.table, o.view
	}
	return nil, nil
}

// Catalogs lists the catalogs, sorted.
func (c *Catalog) Catalogs() []string { return sortedKeys(c.catalogs) }

// Databases lists the databases of a catalog, sorted; false if there is no such catalog.
func (c *Catalog) Databases(catalog string) ([]string, bool) {
	cat := c.catalogs[catalog]
	if cat == nil {
		return nil, false
	}
	return sortedKeys(cat.databases), true
}

// Tables lists the tables and views of a database, temporary ones included, sorted.
func (c *Catalog) Tables(catalog, db string) []string {
	return c.list(catalog, db, func(*object) bool { return true })
}

// Views lists the views of a database, sorted.
func (c *Catalog) Views(catalog, db string) []string {
	return c.list(catalog, db, func(o *object) bool { return o.view != nil })
}

func (c *Catalog) list(catalog, db string, keep func(*object) bool) []string {
	seen := map[string]bool{}
	if db == SystemDatabase {
		for _, name := range systemTables() {
			seen[name] = keep(c.system([3]string{catalog, db, name}))
		}
	}
	if d := c.database([3]string{catalog, db}); d != nil {
		for name, o := range d.objects {
			seen[name] = keep(o)
		}
	}
	for p, o := range c.temp {
		if p[0] == catalog && p[1] == db {
			seen[p[2]] = keep(o)
		}
	}
	var out []string
	for name, in := range seen {
		if in {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// put adds an object. It fails where one of the same kind of life is there, unless replace.
func (c *Catalog) put(at *ast.Name, o *object, temporary, replace, ifNotExists bool) (bool, error) {
	if temporary {
		if c.temp[o.path] != nil && !replace {
			return false, existsError(at, ifNotExists)
		}
		c.temp[o.path] = o
		return true, nil
	}
	db := c.database(o.path)
	if db == nil {
		if c.catalogs[o.path[0]] == nil {
			return false, suggest(sql.Errorf(at, "no catalog %q", o.path[0]), o.path[0], c.Catalogs())
		}
		names, _ := c.Databases(o.path[0])
		return false, suggest(sql.Errorf(at, "no database %q in catalog %q", o.path[1], o.path[0]), o.path[1], names)
	}
	if db.objects[o.path[2]] != nil && !replace {
		return false, existsError(at, ifNotExists)
	}
	db.objects[o.path[2]] = o
	return true, nil
}

func existsError(at *ast.Name, ifNotExists bool) error {
	if ifNotExists {
		return nil
	}
	return sql.Errorf(at, "%q exists already", at.String()).WithHint("DROP it first, or write IF NOT EXISTS")
}

// exists tells whether put would find an object in the way.
func (c *Catalog) exists(path [3]string, temporary bool) bool {
	if temporary {
		return c.temp[path] != nil
	}
	db := c.database(path)
	return db != nil && db.objects[path[2]] != nil
}

// Drop drops a table, a view, a database or a catalog.
func (c *Catalog) Drop(d *ast.Drop) error {
	switch d.Kind {
	case "TABLE", "VIEW":
		return c.dropObject(d)
	case "MODEL":
		return c.dropModel(d)
	case "DATABASE":
		return c.dropDatabase(d)
	case "CATALOG":
		name := d.Name.Last()
		if c.catalogs[name] == nil {
			return missing(d, "catalog", c.Catalogs())
		}
		if c.Current[0] == name {
			return sql.Errorf(d.Name, "catalog %q is in use", name).WithHint("USE CATALOG another one first")
		}
		delete(c.catalogs, name)
		return nil
	case "FUNCTION": // there are only those that are built in
		return missing(d, "function of a user's", nil)
	}
	return notYet(d, "DROP "+d.Kind)
}

func missing(d *ast.Drop, what string, names []string) error {
	if d.IfExists {
		return nil
	}
	return suggest(sql.Errorf(d.Name, "no %s %q", what, d.Name.String()), d.Name.Last(), names)
}

func (c *Catalog) dropObject(d *ast.Drop) error {
	path, err := c.Path(d.Name)
	if err != nil {
		return err
	}
	temp := c.temp[path]
	if !d.Temporary && temp != nil {
		return sql.Errorf(d.Name, "%q is temporary", d.Name.String()).WithHint("write DROP TEMPORARY %s", d.Kind)
	}
	o := temp
	if !d.Temporary {
		o = c.declared(path)
	}
	if o == nil {
		return missing(d, strings.ToLower(d.Kind), c.Tables(path[0], path[1]))
	}
	if (o.view != nil) != (d.Kind == "VIEW") {
		other := map[bool]string{true: "view", false: "table"}[o.view != nil]
		return sql.Errorf(d.Name, "%q is a %s", d.Name.String(), other).WithHint("write DROP %s", strings.ToUpper(other))
	}
	if d.Temporary {
		delete(c.temp, path)
	} else {
		delete(c.database(path).objects, path[2])
	}
	return nil
}

func (c *Catalog) dropDatabase(d *ast.Drop) error {
	cat, name := c.Current[0], d.Name.Last()
	if len(d.Name.Parts) > 1 {
		cat = d.Name.Parts[0].Name
	}
	db := c.database([3]string{cat, name})
	if db == nil {
		names, _ := c.Databases(cat)
		return missing(d, "database", names)
	}
	if c.Current == [2]string{cat, name} {
		return sql.Errorf(d.Name, "database %q is in use", name).WithHint("USE another one first")
	}
	models := c.Models(cat, name)
	if len(db.objects)+len(models) > 0 && d.Behavior != "CASCADE" {
		return sql.Errorf(d.Name, "database %q is not empty", name).WithHint("write DROP DATABASE %s CASCADE to drop its tables too", name)
	}
	for _, m := range models {
		delete(c.models, [3]string{cat, name, m})
	}
	delete(c.catalogs[cat].databases, name)
	return nil
}

// CreateDatabase adds a database.
func (c *Catalog) CreateDatabase(s *ast.CreateDatabase) error {
	cat, name := c.Current[0], s.Name.Last()
	if len(s.Name.Parts) > 1 {
		cat = s.Name.Parts[0].Name
	}
	entry := c.catalogs[cat]
	if entry == nil {
		return suggest(sql.Errorf(s.Name, "no catalog %q", cat), cat, c.Catalogs())
	}
	if entry.databases[name] != nil {
		return existsError(s.Name, s.IfNotExists)
	}
	entry.databases[name] = newDatabase(textOf(s.Comment), optionTexts(s.Options))
	return nil
}

// CreateCatalog adds a catalog, held in memory.
func (c *Catalog) CreateCatalog(s *ast.CreateCatalog) error {
	name := s.Name.Last()
	if c.catalogs[name] != nil {
		return existsError(s.Name, s.IfNotExists)
	}
	options := optionTexts(s.Options)
	if t := options["type"]; t != "" && t != "generic_in_memory" {
		return sql.Errorf(s.Name, "catalog type %q is not supported", t).WithHint("leave out 'type', or write 'generic_in_memory'")
	}
	c.catalogs[name] = newCatalogEntry(textOf(s.Comment), options)
	c.catalogs[name].databases["default"] = newDatabase("", nil)
	return nil
}

// Use changes the current catalog or database.
func (c *Catalog) Use(u *ast.Use) error {
	name := u.Names[0]
	switch u.Kind {
	case "CATALOG":
		if c.catalogs[name.Last()] == nil {
			return suggest(sql.Errorf(name, "no catalog %q", name.Last()), name.Last(), c.Catalogs())
		}
		dbs, _ := c.Databases(name.Last())
		first := ""
		if len(dbs) > 0 {
			first = dbs[0]
		}
		if slices.Contains(dbs, DefaultDatabase) {
			first = DefaultDatabase
		}
		c.Current = [2]string{name.Last(), first}
		return nil
	case "DATABASE":
		cat := c.Current[0]
		if len(name.Parts) > 1 {
			cat = name.Parts[0].Name
		}
		if c.database([3]string{cat, name.Last()}) == nil {
			names, _ := c.Databases(cat)
			return suggest(sql.Errorf(name, "no database %q in catalog %q", name.Last(), cat), name.Last(), names)
		}
		c.Current = [2]string{cat, name.Last()}
		return nil
	}
	return notYet(u, "USE "+u.Kind)
}

func textOf(l *ast.Literal) string {
	if l == nil {
		return ""
	}
	return l.Value
}

func optionTexts(list []*ast.Option) map[string]string {
	out := map[string]string{}
	for _, o := range list {
		out[o.Key.Value] = o.Value.Value
	}
	return out
}

// pathText is a path for messages.
func pathText(p [3]string) string { return fmt.Sprintf("%s.%s.%s", p[0], p[1], p[2]) }
