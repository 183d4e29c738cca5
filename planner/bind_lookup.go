package planner

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// lookup makes the join that asks the right table, called name, for each row.
func (b *binder) lookup(j *ast.Join, base *Join, t *ast.Table, name string) (Node, error) {
	scan, ok := base.Right.(*Scan)
	if !ok {
		return nil, notYet(t, "a lookup join with a view or a changing source")
	}
	asks := scan.asked()
	width := len(base.Left.Info().Out)
	out := joinColumns(base.Left.Info().Out, plain(scan.Out), base.Kind)
	n := &LookupJoin{Base: newBase(out), Input: base.Left, Table: scan.Table, Scan: scan, Kind: base.Kind}
	var rest []Expr
	for _, c := range conjuncts(base.Cond) {
		col, x := lookupKey(c, width)
		if x == nil || asks && (scan.physical(col) < 0 || slices.Contains(n.Columns, col)) {
			rest = append(rest, c)
			continue
		}
		n.Columns, n.Exprs = append(n.Columns, col), append(n.Exprs, x)
	}
	if len(n.Columns) == 0 {
		return nil, sql.Errorf(j, "a lookup join wants an equality with a column of %q in ON", t.Name.Last())
	}
	n.Cond = conjoin(rest)
	if !asks {
		return n, b.held(scan, t)
	}
	return n, b.asked(n, t, name)
}

// asked tells whether a lookup join asks the table by key. One that can be read too is held in memory, unless 'lookup.cache' says otherwise.
func (s *Scan) asked() bool {
	_, asks := s.Config.(connectors.LooksUp)
	_, reads := s.Config.(connectors.Reads)
	return asks && (!reads || s.Common.LookupCache == "NONE" || s.Common.LookupCache == "PARTIAL")
}

// lookupKey gives the column of the table that a conjunct compares for equality, and with what; a nil Expr: it is no such one.
func lookupKey(c Expr, width int) (int, Expr) {
	l, r, _, ok := equality(c, width)
	if col, isCol := r.(*ColRef); ok && isCol {
		return col.Index - width, l
	}
	if call, isCall := c.(*Call); isCall && call.Func == "=" { // a key that is a constant
		if col, k := constantKey(call, width); k != nil {
			return col - width, k
		}
	}
	return 0, nil
}

func constantKey(c *Call, width int) (int, Expr) {
	l, r := c.Args[0], c.Args[1]
	if _, ok := l.(*Literal); ok {
		l, r = r, l
	}
	col, ok := l.(*ColRef)
	if _, isLit := r.(*Literal); ok && isLit && col.Index >= width {
		return col.Index, r
	}
	return 0, nil
}

// physical is the place in Columns of an output column that is a physical column as it is; -1: it is none.
func (s *Scan) physical(out int) int {
	if s.Exprs == nil {
		if out < len(s.Columns) {
			return out
		}
		return -1
	}
	if c, ok := s.Exprs[out].(*ColRef); ok && c.Index < len(s.Columns) {
		return c.Index
	}
	return -1
}

// held tells whether a table can be held in memory: its rows must have an end.
func (b *binder) held(scan *Scan, t *ast.Table) error {
	hint := "a table that is asked in processing time has an end, as files have; to join with the versions of a stream, give it a PRIMARY KEY and a WATERMARK and write FOR SYSTEM_TIME AS OF the left side's row time"
	reads, ok := scan.Config.(connectors.Reads)
	if !ok {
		return sql.Errorf(t, "table %q cannot be read", t.Name.Last())
	}
	src, err := reads.Source(scan.Table.Desc, connectors.Scan{Columns: scan.Columns, Metadata: scan.Meta}, b.p.Env)
	if err != nil {
		return sql.Errorf(t, "table %q: %s", t.Name.Last(), err)
	}
	if !src.Bounded() {
		return sql.Errorf(t, "table %q goes on for ever, so it cannot be asked by key", t.Name.Last()).WithHint("%s", hint)
	}
	return nil
}

// asked settles how a table is asked: by its options, the session's settings and the LOOKUP hint.
func (b *binder) asked(n *LookupJoin, t *ast.Table, name string) error {
	common, set := n.Scan.Common, b.p.Settings.Lookup
	n.Ask = &LookupAsk{Unordered: set.Unordered, Capacity: set.Capacity, Timeout: set.Timeout, Attempts: 1 + common.LookupRetries, OnError: common.LookupOnError}
	if set.Capacity == 0 {
		n.Ask.Capacity, n.Ask.Timeout = 100, 3*time.Minute
	}
	if common.LookupCache == "FULL" {
		return sql.Errorf(t, "table %q cannot be held in memory: connector %q is asked by key", t.Name.Last(), common.Connector).WithHint("set 'lookup.cache' = 'PARTIAL', or leave it out")
	}
	if common.LookupCache == "PARTIAL" {
		n.Ask.Cache = common.PartialCache
		if n.Ask.Cache.MaxRows == 0 {
			n.Ask.Cache.MaxRows = defaultCacheRows
		}
	}
	if h := b.lookups[name]; h != nil {
		h.read = true
		h.apply(n.Ask)
	}
	l, err := n.Scan.Config.(connectors.LooksUp).Lookup(n.Scan.Table.Desc, n.LookupScan(), b.p.Env)
	if err != nil {
		return sql.Errorf(t, "table %q: %s", t.Name.Last(), err)
	}
	return l.Close()
}

// defaultCacheRows bounds a partial cache that has no 'lookup.partial-cache.max-rows'.
const defaultCacheRows = 100_000

// LookupScan is what the join wants of its table's connector.
func (n *LookupJoin) LookupScan() connectors.LookupScan {
	s := connectors.LookupScan{Columns: n.Scan.Columns, Metadata: n.Scan.Meta}
	if n.Ask.Inputs != nil {
		s.Keys = n.Ask.Inputs
		return s
	}
	for _, c := range n.Columns {
		col := n.Scan.Columns[n.Scan.physical(c)]
		s.Keys = append(s.Keys, types.Column{Name: col.Name, Type: col.Type.WithNull(false)})
	}
	return s
}

// lookupHint is a LOOKUP hint of a table.
type lookupHint struct {
	hint  *ast.Hint
	table *ast.Option
	apply func(*LookupAsk)
	read  bool
}

// lookupHint reads a LOOKUP hint; known checks the table that it names.
func (b *binder) lookupHint(h *ast.Hint, known func(ast.Node, string, string), errs *sql.ErrorList) {
	out := &lookupHint{hint: h}
	var apply []func(*LookupAsk)
	values := map[string]string{}
	for _, o := range h.Options {
		key := o.Key.Value
		if !slices.Contains(lookupOptions, key) {
			addError(errs, suggest(sql.Errorf(o.Key, "hint LOOKUP has no option %q", key), key, lookupOptions))
			return
		}
		values[key] = o.Value.Value
		if key == "table" {
			known(o.Value, "LOOKUP", o.Value.Value)
			out.table = o
			continue
		}
		f, err := lookupOption(key, o.Value.Value)
		if err != nil {
			addError(errs, sql.Errorf(o.Value, "hint LOOKUP: %s: %s", key, err))
		}
		apply = append(apply, f)
	}
	if len(h.Args) > 0 {
		addError(errs, sql.Errorf(h.Args[0], "hint LOOKUP wants 'key' = 'value'"))
	}
	if out.table == nil {
		addError(errs, sql.Errorf(h, "hint LOOKUP lacks the option 'table'"))
		return
	}
	retries := values["retry-predicate"] != ""
	if retries != (values["retry-strategy"] != "") || retries && (values["fixed-delay"] == "" || values["max-attempts"] == "") {
		addError(errs, sql.Errorf(h, "hint LOOKUP: 'retry-predicate', 'retry-strategy', 'fixed-delay' and 'max-attempts' go together"))
	}
	out.apply = func(a *LookupAsk) {
		for _, f := range apply {
			f(a)
		}
	}
	if b.lookups == nil {
		b.lookups = map[string]*lookupHint{}
	}
	b.lookups[out.table.Value.Value] = out
}

// lookupOption is what an option of a LOOKUP hint changes.
func lookupOption(key, v string) (func(*LookupAsk), error) {
	var err error
	word := func(words ...string) bool {
		i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, v) })
		if i < 0 {
			err = valueError(v, "is none of "+strings.Join(words, ", "))
		}
		return i == 0
	}
	number := func() int {
		n, e := strconv.Atoi(v)
		if e != nil || n < 1 {
			err = valueError(v, "is no positive number")
		}
		return n
	}
	duration := func() time.Duration {
		d, e := option.ParseDuration(v)
		if e != nil {
			err = valueError(v, e.Error())
		}
		return d
	}
	switch key {
	case "output-mode":
		on := word("allow_unordered", "ordered")
		return func(a *LookupAsk) { a.Unordered = on }, err
	case "capacity":
		n := number()
		return func(a *LookupAsk) { a.Capacity = n }, err
	case "timeout":
		d := duration()
		return func(a *LookupAsk) { a.Timeout = d }, err
	case "async":
		sync := word("false", "true")
		return func(a *LookupAsk) {
			if sync {
				a.Capacity, a.Unordered = 1, false
			}
		}, err
	case "retry-predicate":
		word("lookup_miss")
	case "retry-strategy":
		word("fixed_delay")
	case "fixed-delay":
		d := duration()
		return func(a *LookupAsk) { a.MissDelay = d }, err
	case "max-attempts":
		n := number()
		return func(a *LookupAsk) { a.MissAttempts = n }, err
	case "shuffle":
		word("true", "false") // how rows come to the join's instances
	}
	return func(*LookupAsk) {}, err
}

func valueError(v, what string) error { return &sql.Error{Msg: "'" + v + "' " + what} }

// unreadLookups warns of LOOKUP hints of tables that are not asked.
func (b *binder) unreadLookups() {
	for _, h := range b.lookups {
		if !h.read {
			b.warn(h.hint, "hint LOOKUP of \""+h.table.Value.Value+"\" has no effect: the table is not asked by key", "leave it out")
		}
	}
}

// askText says how a lookup join asks its table.
func askText(a *LookupAsk) string {
	if a == nil {
		return ", held in memory"
	}
	text := ", asked by up to " + strconv.Itoa(a.Capacity) + " requests, " + map[bool]string{true: "unordered", false: "ordered"}[a.Unordered]
	if a.Cache.MaxRows > 0 {
		text += ", up to " + strconv.FormatInt(a.Cache.MaxRows, 10) + " rows kept"
	}
	return text
}
