package planner

import (
	"fmt"
	"regexp"
	"strings"

	"weir/sql/types"
)

// DDL prints the CREATE TABLE that makes the table, as SHOW CREATE TABLE shows it. Values of secret
// options are masked unless secrets, which is for persistence only.
func DDL(t *Table, secrets bool) string {
	var b strings.Builder
	b.WriteString("CREATE ")
	if t.Temporary {
		b.WriteString("TEMPORARY ")
	}
	fmt.Fprintf(&b, "TABLE %s (\n", quotePath(t.Path))
	for i, line := range t.bodyLines() {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("  " + line)
	}
	b.WriteString("\n)")
	if t.Comment != "" {
		b.WriteString("\nCOMMENT " + quoteText(t.Comment))
	}
	if len(t.PartitionBy) > 0 {
		b.WriteString("\nPARTITIONED BY (" + quoteList(t.PartitionBy) + ")")
	}
	b.WriteString("\nWITH (\n")
	for i, k := range sortedKeys(t.Options) {
		if i > 0 {
			b.WriteString(",\n")
		}
		v := t.Options[k]
		if !secrets {
			v = t.shownValue(k)
		}
		fmt.Fprintf(&b, "  %s = %s", quoteText(k), quoteText(v))
	}
	b.WriteString("\n)\n")
	return b.String()
}

// urlPassword is the password in a URL: user:password@host.
var urlPassword = regexp.MustCompile(`(://[^/\s:@]+:)[^/\s@]+@`)

// shownValue is an option's value as people may see it: secrets are masked, passwords in URLs too.
func (t *Table) shownValue(key string) string {
	if t.secrets[key] {
		return masked
	}
	return urlPassword.ReplaceAllString(t.Options[key], "${1}"+masked+"@")
}

func (t *Table) bodyLines() []string {
	var out []string
	for _, c := range t.Columns {
		line := quoteIdent(c.Name) + " "
		switch c.Kind {
		case Computed:
			line += "AS " + c.ComputedText()
		case Metadata:
			line += typeDDL(c.Type) + " METADATA"
			if c.Key != c.Name {
				line += " FROM " + quoteText(c.Key)
			}
			if c.Virtual {
				line += " VIRTUAL"
			}
		default:
			line += typeDDL(c.Type)
		}
		if c.Comment != "" {
			line += " COMMENT " + quoteText(c.Comment)
		}
		out = append(out, line)
	}
	if t.RowTime != "" {
		out = append(out, fmt.Sprintf("WATERMARK FOR %s AS %s", quoteIdent(t.RowTime), t.WatermarkText()))
	}
	if len(t.PrimaryKey) > 0 {
		name := t.KeyName
		if name == "" {
			name = "PK_" + strings.Join(t.PrimaryKey, "_")
		}
		out = append(out, fmt.Sprintf("CONSTRAINT %s PRIMARY KEY (%s) NOT ENFORCED", quoteIdent(name), quoteList(t.PrimaryKey)))
	}
	return out
}

// typeDDL is a type as SHOW CREATE TABLE writes it.
func typeDDL(t types.Type) string {
	switch {
	case t.Kind == types.VarChar && t.Length == types.MaxLength:
		return "VARCHAR(2147483647)" + notNull(t)
	case t.Kind == types.VarBinary && t.Length == types.MaxLength:
		return "VARBINARY(2147483647)" + notNull(t)
	}
	return t.String()
}

func notNull(t types.Type) string {
	if t.NotNull {
		return " NOT NULL"
	}
	return ""
}

// ViewDDL prints the CREATE VIEW that makes the view.
func ViewDDL(v *View) string {
	kind := "VIEW"
	if v.Temporary {
		kind = "TEMPORARY VIEW"
	}
	text := fmt.Sprintf("CREATE %s %s (\n  %s\n)", kind, quotePath(v.Path), strings.ReplaceAll(quoteList(v.columns), "`, `", "`,\n  `"))
	if v.Comment != "" {
		text += "\nCOMMENT " + quoteText(v.Comment)
	}
	return text + "\nAS " + v.Text + "\n"
}

// PersistentDDL lists the statements that make the permanent objects again, in an order that works:
// catalogs, databases, tables, views. It holds secrets: it is for weir's own files.
func (c *Catalog) PersistentDDL() []string {
	var out, views []string
	for _, cat := range c.Catalogs() {
		if cat != DefaultCatalog {
			out = append(out, "CREATE CATALOG "+quoteIdent(cat))
		}
		dbs, _ := c.Databases(cat)
		for _, name := range dbs {
			if !(cat == DefaultCatalog && name == DefaultDatabase) {
				out = append(out, "CREATE DATABASE IF NOT EXISTS "+quoteIdent(cat)+"."+quoteIdent(name))
			}
			db := c.database([3]string{cat, name})
			for _, k := range sortedKeys(db.objects) {
				if o := db.objects[k]; o.table != nil {
					out = append(out, DDL(o.table, true))
				} else {
					views = append(views, ViewDDL(o.view))
				}
			}
		}
	}
	return append(out, views...)
}

func quotePath(p [3]string) string {
	return quoteIdent(p[0]) + "." + quoteIdent(p[1]) + "." + quoteIdent(p[2])
}

func quoteList(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quoteIdent(n)
	}
	return strings.Join(out, ", ")
}
