// Package local answers for models from a small file, without a server: linear models, and sums of decision trees.
//
// Contract: the file is read once, when the model is opened, and bounded; a model holds no state, so it is safe for
// concurrent use. Numbers are DOUBLE.
package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Provider is the provider 'local'.
var Provider = connectors.Connector{
	Name: "local",
	Doc: "A model in a small JSON file, for tests, demos and simple scores. `{\"outputs\": {\"score\": MODEL, ...}}` gives each output column a model, which is " +
		"`{\"intercept\": -4.1, \"weights\": {\"amount\": 0.002}, \"categories\": {\"mcc\": {\"7995\": 1.3}}, \"link\": \"logistic\"}`: the sum of the intercept, of each numeric " +
		"input times its weight and of what each category adds; or has `\"trees\": [TREE, ...]`, whose values are added, where TREE is `{\"value\": 0.4}` or " +
		"`{\"input\": \"amount\", \"below\": 100, \"then\": TREE, \"else\": TREE}` (or `\"is\": \"7995\"` instead of `below`). The link is `identity` (the default) or `logistic`. " +
		"`\"threshold\": 0.5` makes a BOOLEAN of it. A NULL adds nothing and takes `else`.",
	Example: "CREATE MODEL fraud INPUT (amount DOUBLE, mcc STRING) OUTPUT (score DOUBLE) WITH (\n  'provider' = 'local',\n  'path' = 'fraud.json'\n)",
	New:     func() connectors.Config { return &config{} },
}

type config struct{ path string }

var _ connectors.LooksUp = (*config)(nil)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.String(&c.path, "path", "", "The model's JSON file.").Must()
}

// Metadata implements connectors.LooksUp: there is none.
func (c *config) Metadata() []connectors.MetadataKey { return nil }

// maxFile bounds the size of a model's file.
const maxFile = 64 << 20

// Lookup implements connectors.LooksUp.
func (c *config) Lookup(_ *connectors.TableDesc, scan connectors.LookupScan, _ *connectors.Env) (connectors.Lookup, error) {
	info, err := os.Stat(c.path)
	if err != nil {
		return nil, fmt.Errorf("option \"path\": %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("option \"path\": %s has more than %d MB", c.path, maxFile>>20)
	}
	text, err := os.ReadFile(c.path)
	if err != nil {
		return nil, fmt.Errorf("option \"path\": %w", err)
	}
	m, err := parse(text, scan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.path, err)
	}
	return m, nil
}

// output is what the file says of an output.
type output struct {
	Intercept  float64                       `json:"intercept"`
	Weights    map[string]float64            `json:"weights"`
	Categories map[string]map[string]float64 `json:"categories"`
	Trees      []*tree                       `json:"trees"`
	Link       string                        `json:"link"`
	Threshold  *float64                      `json:"threshold"`
}

// tree is a decision, or a value.
type tree struct {
	Value *float64 `json:"value"`
	Input string   `json:"input"`
	Below *float64 `json:"below"`
	Is    *string  `json:"is"`
	Then  *tree    `json:"then"`
	Else  *tree    `json:"else"`

	col int
}

// formula is what gives an output.
type formula struct {
	intercept  float64
	weights    []weight
	categories []category
	trees      []*tree
	logistic   bool
	threshold  *float64
}

type weight struct {
	col int
	by  float64
}

type category struct {
	col  int
	adds map[string]float64
}

// model implements connectors.Lookup.
type model struct {
	inputs   types.Schema
	outputs  types.Schema
	formulas []*formula
}

// parse reads a model's file, and checks that it fits the columns.
func parse(text []byte, scan connectors.LookupScan) (*model, error) {
	var file struct {
		Outputs map[string]*output `json:"outputs"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	m := &model{inputs: scan.Keys, outputs: scan.Columns}
	for _, c := range scan.Columns {
		o := file.Outputs[c.Name]
		if o == nil {
			return nil, fmt.Errorf("there is no output %q", c.Name)
		}
		if c.Type.Kind != types.Double && (c.Type.Kind != types.Boolean || o.Threshold == nil) {
			return nil, fmt.Errorf("output %q is %s: a model gives DOUBLE or, with a threshold, BOOLEAN", c.Name, c.Type)
		}
		if c.Type.Kind == types.Double && o.Threshold != nil {
			return nil, fmt.Errorf("output %q is %s: with a threshold a model gives BOOLEAN", c.Name, c.Type)
		}
		f, err := m.formula(o)
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", c.Name, err)
		}
		m.formulas = append(m.formulas, f)
	}
	return m, nil
}

func (m *model) formula(o *output) (*formula, error) {
	f := &formula{intercept: o.Intercept, trees: o.Trees, logistic: o.Link == "logistic", threshold: o.Threshold}
	if o.Link != "" && o.Link != "identity" && !f.logistic {
		return nil, fmt.Errorf("link %q is neither identity nor logistic", o.Link)
	}
	for name, by := range o.Weights {
		col, err := m.input(name, false)
		if err != nil {
			return nil, err
		}
		f.weights = append(f.weights, weight{col, by})
	}
	for name, adds := range o.Categories {
		col, err := m.input(name, true)
		if err != nil {
			return nil, err
		}
		f.categories = append(f.categories, category{col, adds})
	}
	slices.SortFunc(f.weights, func(a, b weight) int { return a.col - b.col })
	slices.SortFunc(f.categories, func(a, b category) int { return a.col - b.col })
	for _, t := range f.trees {
		if err := m.tree(t, 0); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// input finds an input, of text or of numbers.
func (m *model) input(name string, text bool) (int, error) {
	i := m.inputs.Index(name)
	if i < 0 {
		return 0, fmt.Errorf("the model has no input %q", name)
	}
	switch k := m.inputs[i].Type.Kind; {
	case text && k != types.VarChar && k != types.Char:
		return 0, fmt.Errorf("input %q is %s, not text", name, m.inputs[i].Type)
	case !text && k != types.Double:
		return 0, fmt.Errorf("input %q is %s: numbers are DOUBLE", name, m.inputs[i].Type)
	}
	return i, nil
}

// maxDepth bounds the depth of trees.
const maxDepth = 100

func (m *model) tree(t *tree, depth int) error {
	switch {
	case t == nil || depth > maxDepth:
		return fmt.Errorf("a tree lacks a branch, or is deeper than %d", maxDepth)
	case t.Value != nil:
		return nil
	case (t.Below == nil) == (t.Is == nil):
		return errors.New("a tree has either a value, or an input with below or is")
	}
	var err error
	t.col, err = m.input(t.Input, t.Is != nil)
	return errors.Join(err, m.tree(t.Then, depth+1), m.tree(t.Else, depth+1))
}

// MaxKeys implements connectors.Lookup.
func (m *model) MaxKeys() int { return 4096 }

// Close implements connectors.Lookup.
func (m *model) Close() error { return nil }

// Ask implements connectors.Lookup: each input has one row.
func (m *model) Ask(ctx context.Context, in *vec.Batch) (*vec.Batch, []int32, error) {
	n := in.Len()
	of := make([]int32, n)
	for i := range of {
		of[i] = int32(i)
	}
	r := newRow(in)
	cols := make([]arrow.Array, len(m.formulas))
	for k, f := range m.formulas {
		values := make([]float64, n)
		for i := range n {
			r.at = i
			values[i] = f.value(r)
		}
		if f.threshold == nil {
			cols[k] = vec.Float64s(values, nil)
			continue
		}
		yes := make(vec.Bitmap, (n+7)/8)
		for i, v := range values {
			if v >= *f.threshold {
				yes[i/8] |= 1 << (i % 8)
			}
		}
		cols[k] = vec.Bools(yes, n, nil)
	}
	return vec.New(m.outputs.Arrow(), cols, n, nil), of, ctx.Err()
}

// row reads the inputs of one row.
type row struct {
	at      int
	numbers [][]float64
	texts   []vec.Text
	nulls   []vec.Nulls
}

func newRow(in *vec.Batch) *row {
	r := &row{numbers: make([][]float64, in.Rows.NumCols()), texts: make([]vec.Text, in.Rows.NumCols())}
	for i, c := range in.Rows.Columns() {
		r.nulls = append(r.nulls, vec.NullsOf(c))
		switch c.DataType().ID() {
		case arrow.FLOAT64:
			r.numbers[i] = vec.Values[float64](c)
		case arrow.STRING:
			r.texts[i] = vec.TextOf(vec.ColVec(c))
		}
	}
	return r
}

func (r *row) number(col int) (float64, bool) {
	if r.nulls[col].Is(r.at) {
		return 0, false
	}
	return r.numbers[col][r.at], true
}

func (r *row) text(col int) (string, bool) {
	if r.nulls[col].Is(r.at) {
		return "", false
	}
	return r.texts[col].String(r.at), true
}

// value computes an output. Sums go in the order of the inputs' columns, so that they are always the same.
func (f *formula) value(r *row) float64 {
	sum := f.intercept
	for _, w := range f.weights {
		if x, ok := r.number(w.col); ok {
			sum += w.by * x
		}
	}
	for _, c := range f.categories {
		if x, ok := r.text(c.col); ok {
			sum += c.adds[x]
		}
	}
	for _, t := range f.trees {
		sum += t.value(r)
	}
	if f.logistic {
		return 1 / (1 + math.Exp(-sum))
	}
	return sum
}

func (t *tree) value(r *row) float64 {
	for t.Value == nil {
		yes := false
		if t.Is != nil {
			x, ok := r.text(t.col)
			yes = ok && x == *t.Is
		} else {
			x, ok := r.number(t.col)
			yes = ok && x < *t.Below
		}
		if yes {
			t = t.Then
		} else {
			t = t.Else
		}
	}
	return *t.Value
}
