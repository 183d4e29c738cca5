package planner

import (
	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
)

// like takes over the parts of another table that the rules of LIKE include.
func (d *tableDef) like(l *ast.LikeTable) error {
	if l == nil {
		return nil
	}
	from, err := d.p.Catalog.Table(l.Table)
	if err != nil {
		return err
	}
	for _, c := range from.Columns {
		if c.Kind == Computed && !d.includes("GENERATED") || c.Kind == Metadata && !d.includes("METADATA") {
			continue
		}
		d.t.Columns = append(d.t.Columns, c)
	}
	if d.includes("CONSTRAINTS") {
		d.t.PrimaryKey, d.t.KeyName = from.PrimaryKey, from.KeyName
	}
	if d.includes("PARTITIONS") {
		d.t.PartitionBy = from.PartitionBy
	}
	if d.includes("WATERMARKS") {
		d.t.watermark = from.watermark
	}
	if d.includes("OPTIONS") {
		for k, v := range from.Options {
			d.values[k] = option.Value{Text: v, KeyPos: -1, ValuePos: -1}
		}
	}
	if !d.includes("OPTIONS") || l == nil {
		return nil
	}
	for _, o := range d.at.Options {
		if _, has := d.values[o.Key.Value]; has && d.likeRule("OPTIONS") == "INCLUDING" {
			d.fail(sql.Errorf(o.Key, "option %q is in the table of LIKE already", o.Key.Value).WithHint("write LIKE %s (OVERWRITING OPTIONS)", l.Table.String()))
		}
	}
	return d.errs.Err()
}

// likeRule is the merging rule for a part: the last that names it, or ALL, or Flink's default.
func (d *tableDef) likeRule(what string) string {
	rule := ""
	if d.at.Like == nil {
		return rule
	}
	for _, o := range d.at.Like.Options {
		if o.What == "ALL" && rule == "" {
			rule = o.Action
		}
	}
	for _, o := range d.at.Like.Options {
		if o.What == what {
			rule = o.Action
		}
	}
	if rule == "" {
		if what == "OPTIONS" {
			return "OVERWRITING"
		}
		return "INCLUDING"
	}
	return rule
}

func (d *tableDef) includes(what string) bool { return d.likeRule(what) != "EXCLUDING" }

func (d *tableDef) overwrites(what string) bool { return d.likeRule(what) == "OVERWRITING" }
