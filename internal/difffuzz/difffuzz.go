// Package difffuzz makes random, well-typed queries over small random tables, so that weir can be compared
// with itself (under all settings of the golden matrix) and, where it is installed, with Apache Flink.
//
// Contract: a Case depends on its seed alone; the same seed gives the same tables and the same query. Its
// answer, folded to a table, does not depend on chance: functions are deterministic, values whose result
// depends on the order of rows are asked only of one source, and where several time-ordered inputs meet, no row
// is late. Times are milliseconds. Generate keeps nothing between calls.
package difffuzz

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Table is a table of JSON lines.
type Table struct {
	Name  string
	DDL   string   // the columns and the watermark, as in CREATE TABLE
	CDC   bool     // the records are changes
	Lines []string // one record each
}

// Case is a query, and the tables it reads.
type Case struct {
	Seed   uint64
	Kind   string // of the query: the name of its generator
	Tables []Table
	Views  []string // CREATE VIEW statements
	Sets   []string // SET statements
	Query  string
}

// Generate makes the case of a seed.
func Generate(seed uint64) *Case {
	return generate(seed, kinds[int(seed%uint64(len(kinds)))])
}

// GenerateKind makes a case of a kind; nil if there is none of that name.
func GenerateKind(seed uint64, name string) *Case {
	for _, k := range kinds {
		if k.name == name {
			return generate(seed, k)
		}
	}
	return nil
}

func generate(seed uint64, k kind) *Case {
	g := &gen{r: rand.New(rand.NewPCG(seed, 0x77656972))}
	g.late = !k.meets
	g.makeTables()
	c := &Case{Seed: seed, Kind: k.name, Query: k.make(g)}
	c.Views, c.Sets = g.views, g.sets
	if g.chance(12) && !k.streams {
		c.Sets = append(c.Sets, "SET 'execution.runtime-mode' = 'batch'")
	}
	if g.chance(15) {
		c.Sets = append(c.Sets, "SET 'table.local-time-zone' = 'America/New_York'")
	}
	for _, t := range g.tables {
		if strings.Contains(strings.Join(c.Views, " ")+c.Query, t.Name) {
			c.Tables = append(c.Tables, t)
		}
	}
	return c
}

// create gives the statements that make the tables, reading ${DIR}.
func (c *Case) create() string {
	var b strings.Builder
	for _, set := range c.Sets {
		b.WriteString(set + ";\n")
	}
	for _, t := range c.Tables {
		format := "json"
		if t.CDC {
			format = "debezium-json"
		}
		fmt.Fprintf(&b, "CREATE TABLE %s (\n%s\n) WITH ('connector' = 'filesystem', 'path' = '${DIR}/%s.json', 'format' = '%s');\n", t.Name, t.DDL, t.Name, format)
	}
	for _, v := range c.Views {
		b.WriteString(v + ";\n")
	}
	return b.String()
}

// Script is the case as Flink's SQL client takes it. The tables' lines are to be in ${DIR}/NAME.json.
func (c *Case) Script() string { return c.create() + c.Query + ";\n" }

// Test is the case as a .test file that expects nothing.
func (c *Case) Test() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Seed %d, %s.\n\n", c.Seed, c.Kind)
	for _, t := range c.Tables {
		fmt.Fprintf(&b, "file %s.json\n%s\n----\n\n", t.Name, strings.Join(t.Lines, "\n"))
	}
	fmt.Fprintf(&b, "sql\n%s----\n\nquery final\n%s\n----\n", c.create(), c.Query)
	return b.String()
}
