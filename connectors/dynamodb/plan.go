package dynamodb

import (
	"slices"
	"strconv"
	"strings"

	"weir/connectors"
)

// lookupPlan is how requests are made. It is never changed.
type lookupPlan struct {
	key tableKey
	// at is the position among the request's keys of the table's partition and sort key; one alone: items are queried.
	at []int
	// filter are the positions of the request's other keys: what is found must have their values.
	filter []int
	// names and projection name the attributes that are asked for; nil: all of them.
	names      map[string]string
	projection *string
}

// partial tells that a request has the partition key alone, of a table that has a sort key.
func (p *lookupPlan) partial() bool { return len(p.at) < len(p.key.names) }

// newLookupPlan makes the plan for a table's key; nil where requests lack the partition key.
func newLookupPlan(scan connectors.LookupScan, key tableKey) *lookupPlan {
	p := &lookupPlan{key: key}
	for _, name := range key.names {
		at := scan.Keys.Index(name)
		if at < 0 {
			break
		}
		p.at = append(p.at, at)
	}
	if len(p.at) == 0 {
		return nil
	}
	for i := range scan.Keys {
		if !slices.Contains(p.at, i) {
			p.filter = append(p.filter, i)
		}
	}
	p.project(slices.Concat(scan.Columns.Names(), key.names, scan.Keys.Names()))
	return p
}

// maxExpressionBytes is how long the service lets an expression be.
const maxExpressionBytes = 4096

// project asks for the named attributes only. They go by aliases, for names may be words of the service's language.
func (p *lookupPlan) project(names []string) {
	p.names = map[string]string{}
	var list []string
	for _, name := range names {
		alias := alias(len(list))
		if !slices.Contains(mapValues(p.names), name) {
			p.names[alias] = name
			list = append(list, alias)
		}
	}
	text := strings.Join(list, ",")
	if len(text) > maxExpressionBytes {
		p.names = nil
		return
	}
	p.projection = &text
}

func alias(i int) string { return "#a" + strconv.Itoa(i) }

func mapValues(m map[string]string) []string {
	var out []string
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
