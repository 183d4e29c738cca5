package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"weir/planner"
	"weir/sql"
)

// persistence keeps the catalog as DDL text, a file an object:
// DIR/<catalog>/<database>/<table>.sql, names escaped as in URLs. Temporary objects are not kept.
// Options are kept whole, so the files are for their owner only.
type persistence struct {
	dir  string
	kept map[string]string // file -> text
}

// load runs the files' statements, databases first and views last, again and again while a pass gets
// further: a view may need another. What cannot be loaded is told, and stays on disk.
func (p *persistence) load(s *Session) (problems []error) {
	p.kept = map[string]string{}
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		text, err := os.ReadFile(path)
		p.kept[path] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return []error{fmt.Errorf("catalog in %s: %w", p.dir, err)}
	}
	left := make([]string, 0, len(p.kept))
	for path := range p.kept {
		left = append(left, path)
	}
	sort.Slice(left, func(i, j int) bool {
		a, b := filepath.Base(left[i]) == databaseFile, filepath.Base(left[j]) == databaseFile
		return a != b && a || a == b && left[i] < left[j]
	})
	keep := s.plan.Catalog.Current
	s.persist = nil // what is being loaded need not be saved
	for progress := true; progress && len(left) > 0; {
		progress = false
		var again []string
		problems = nil
		for _, path := range left {
			if err := run(s, p.kept[path]); err != nil {
				again, problems = append(again, path), append(problems, fmt.Errorf("catalog: %s: %w", path, err))
				continue
			}
			progress = true
		}
		left = again
	}
	s.plan.Catalog.Current = keep
	s.persist = p
	return problems
}

// Names that no table's file has: url.PathEscape leaves no @ at the start of an ending.
const (
	databaseFile = "@database.sql"
	modelFile    = "@model.sql"
)

// run executes a file's statements.
func run(s *Session, text string) error {
	stmts, err := sql.Parse(text)
	if err != nil {
		return err
	}
	for _, st := range stmts {
		if _, err := s.Execute(context.Background(), text, st); err != nil {
			return err
		}
	}
	return nil
}

// save writes the objects that changed and removes those that are gone.
func (s *Session) save() error {
	if s.persist == nil {
		return nil
	}
	now := map[string]string{}
	cat := s.plan.Catalog
	for _, c := range cat.Catalogs() {
		dbs, _ := cat.Databases(c)
		for _, db := range dbs {
			s.collect(now, c, db)
		}
	}
	return s.persist.write(now)
}

func (s *Session) collect(now map[string]string, catalog, db string) {
	cat := s.plan.Catalog
	dir := filepath.Join(s.persist.dir, url.PathEscape(catalog), url.PathEscape(db))
	if catalog != planner.DefaultCatalog || db != planner.DefaultDatabase {
		text := fmt.Sprintf("CREATE DATABASE IF NOT EXISTS %s.%s;\n", backquote(catalog), backquote(db))
		if catalog != planner.DefaultCatalog {
			text = fmt.Sprintf("CREATE CATALOG IF NOT EXISTS %s;\n", backquote(catalog)) + text
		}
		now[filepath.Join(dir, databaseFile)] = text
	}
	for _, name := range cat.Models(catalog, db) {
		if _, _, m := cat.Kept([3]string{catalog, db, name}); m != nil {
			now[filepath.Join(dir, url.PathEscape(name)+modelFile)] = planner.ModelDDL(m, true) + ";\n"
		}
	}
	for _, name := range cat.Tables(catalog, db) {
		file := filepath.Join(dir, url.PathEscape(name)+".sql")
		switch table, view, _ := cat.Kept([3]string{catalog, db, name}); {
		case table != nil:
			now[file] = planner.DDL(table, true) + ";\n"
		case view != nil:
			now[file] = planner.ViewDDL(view) + ";\n"
		}
	}
}

func backquote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// write makes the folder hold exactly now. A file is replaced by renaming, so a crash leaves the old or
// the new one.
func (p *persistence) write(now map[string]string) error {
	for path, text := range now {
		if p.kept[path] == text {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("catalog: %w", err)
		}
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			return fmt.Errorf("catalog: %w", err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			return fmt.Errorf("catalog: %w", err)
		}
		p.kept[path] = text
	}
	for path := range p.kept {
		if _, ok := now[path]; ok {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("catalog: %w", err)
		}
		delete(p.kept, path)
	}
	return nil
}
