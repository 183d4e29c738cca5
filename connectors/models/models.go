// Package models holds what providers of models share: what a model takes as texts, and what it answers as rows.
//
// Contract: a Prompt and an Outputs are safe for concurrent use; a Rows belongs to one answer. An answer that is not what
// the model's OUTPUT says is an error that says so.
package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weir/connectors"
	"weir/connectors/format"
	httpconn "weir/connectors/http"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Prompt makes the text that a model is asked, of a row of its inputs.
type Prompt struct {
	text *httpconn.Text
	cols []int
}

// NewPrompt makes a Prompt of the option 'prompt', "" where it is not given: then the model has one input, which is the text.
func NewPrompt(text string, inputs types.Schema, env *connectors.Env) (*Prompt, error) {
	if text == "" {
		if len(inputs) != 1 || !isText(inputs[0].Type) {
			return nil, fmt.Errorf("the model has the inputs %s: it takes one of type STRING, or the option 'prompt', a text with {{column}} for their values", describe(inputs))
		}
		text = "{{" + inputs[0].Name + "}}"
	}
	t, err := httpconn.NewText("prompt", text, false, inputs, env)
	if err != nil {
		return nil, err
	}
	return &Prompt{t, t.Columns()}, nil
}

// Of gives the text of row i; ok is false where one of its values is NULL, so that there is nothing to ask.
func (p *Prompt) Of(in *vec.Batch, i int) (text string, ok bool, err error) {
	for _, c := range p.cols {
		if in.Col(c).IsNull(i) {
			return "", false, nil
		}
	}
	out, err := p.text.Fill(nil, in, i)
	return string(out), err == nil, err
}

func isText(t types.Type) bool { return t.Kind == types.VarChar || t.Kind == types.Char }

func describe(cols types.Schema) string {
	var out []string
	for _, c := range cols {
		out = append(out, c.Name+" "+c.Type.String())
	}
	return strings.Join(out, ", ")
}

// IsEmbedding tells whether a model's output is a single array of numbers.
func IsEmbedding(outputs types.Schema) bool {
	if len(outputs) != 1 || outputs[0].Type.Kind != types.Array {
		return false
	}
	k := outputs[0].Type.Elem.Kind
	return k == types.Float || k == types.Double
}

// Outputs makes rows of a model's answers.
type Outputs struct {
	cols types.Schema
	json format.Config
	env  *connectors.Env
}

// NewOutputs makes the Outputs of a model.
func NewOutputs(cols types.Schema, env *connectors.Env) (*Outputs, error) {
	o := &Outputs{cols: cols, json: format.Default("json"), env: env}
	_, err := o.json.Decoder(cols, cols, env)
	return o, err
}

// Rows are the rows of some inputs, which are added in order.
type Rows struct {
	out   *Outputs
	chunk connectors.Chunk
	of    []int32
}

// Rows begins the rows of an answer.
func (o *Outputs) Rows() *Rows {
	return &Rows{out: o, chunk: connectors.Chunk{MillisBehind: -1, Describe: func(int) string { return "the answer" }}}
}

// Value adds a JSON value: an object of the outputs' names, an array of the outputs in order, or the only output.
func (r *Rows) Value(key int, value []byte) error {
	value = bytes.TrimSpace(value)
	cols := r.out.cols
	switch {
	case len(value) == 0 || string(value) == "null":
		return nil
	case value[0] == '{' && !nested(cols):
		r.add(key, value)
		return nil
	case value[0] == '[' && !(len(cols) == 1 && cols[0].Type.Kind == types.Array):
		var items []json.RawMessage
		if err := json.Unmarshal(value, &items); err != nil {
			return err
		}
		return r.Values(key, items)
	}
	return r.Values(key, []json.RawMessage{value})
}

// nested tells whether the only output is itself an object.
func nested(cols types.Schema) bool {
	return len(cols) == 1 && (cols[0].Type.Kind == types.Row || cols[0].Type.Kind == types.Map)
}

// Values adds a row of JSON values, one for each output.
func (r *Rows) Values(key int, items []json.RawMessage) error {
	if len(items) != len(r.out.cols) {
		return fmt.Errorf("it has %d values for the %d outputs %s", len(items), len(r.out.cols), describe(r.out.cols))
	}
	row := []byte{'{'}
	for i, item := range items {
		if i > 0 {
			row = append(row, ',')
		}
		name, err := json.Marshal(r.out.cols[i].Name)
		if err != nil {
			return err
		}
		row = append(append(append(row, name...), ':'), item...)
	}
	r.add(key, append(row, '}'))
	return nil
}

// Text adds what a model said: the text itself where the model has one output of type STRING, else the JSON in it.
func (r *Rows) Text(key int, text string) error {
	if cols := r.out.cols; len(cols) == 1 && isText(cols[0].Type) {
		value, err := json.Marshal(text)
		if err != nil {
			return err
		}
		return r.Values(key, []json.RawMessage{value})
	}
	value := []byte(unfenced(text))
	if !json.Valid(value) {
		return fmt.Errorf("the model did not answer with JSON, which the outputs %s are read from: tell it to in its prompt", describe(r.out.cols))
	}
	return r.Value(key, value)
}

// unfenced takes the fence of Markdown away that models like to put around JSON.
func unfenced(text string) string {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "```"); ok {
		rest = strings.TrimPrefix(rest, "json")
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "```"))
	}
	return text
}

func (r *Rows) add(key int, object []byte) {
	c := &r.chunk
	c.Beg = append(c.Beg, int32(len(c.Data)))
	c.Data = append(c.Data, object...)
	c.End = append(c.End, int32(len(c.Data)))
	r.of = append(r.of, int32(key))
}

// Batch gives the rows, and the input that each is of.
func (r *Rows) Batch() (*vec.Batch, []int32, error) {
	d, err := r.out.json.Decoder(r.out.cols, r.out.cols, r.out.env)
	if err != nil {
		return nil, nil, err
	}
	var out connectors.Decoded
	if err := d.Decode(&r.chunk, 0, r.chunk.Len(), &out); err != nil {
		return nil, nil, err
	}
	if len(out.Rejects) > 0 {
		return nil, nil, out.Rejects[0].Err
	}
	if out.N != len(r.of) {
		return nil, nil, errors.New("it is no row of the model's outputs")
	}
	return vec.New(r.out.cols.Arrow(), out.Cols, out.N, nil), r.of, nil
}

// Pick finds a value in JSON by a path as "predictions", "output.results[0].score" or "$.embedding"; "" is all of it.
func Pick(body []byte, path string) (json.RawMessage, error) {
	at := json.RawMessage(body)
	steps := strings.FieldsFunc(strings.TrimPrefix(path, "$"), func(c rune) bool { return c == '.' || c == '[' || c == ']' })
	for i, step := range steps {
		var object map[string]json.RawMessage
		var list []json.RawMessage
		trimmed := bytes.TrimSpace(at)
		n, ok := 0, false
		switch {
		case len(trimmed) > 0 && trimmed[0] == '[':
			if err := json.Unmarshal(at, &list); err != nil {
				return nil, err
			}
			if _, err := fmt.Sscanf(step, "%d", &n); err == nil && n >= 0 && n < len(list) {
				at, ok = list[n], true
			}
		default:
			if err := json.Unmarshal(at, &object); err != nil {
				return nil, err
			}
			at, ok = object[step]
		}
		if !ok {
			return nil, fmt.Errorf("it has no %q", strings.Join(steps[:i+1], "."))
		}
	}
	if !json.Valid(at) {
		return nil, errors.New("it is no JSON")
	}
	return at, nil
}

// List takes a JSON array apart, which has as many values as wanted.
func List(value json.RawMessage, want int) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, fmt.Errorf("there is no array of %d values: %w", want, err)
	}
	if len(list) != want {
		return nil, fmt.Errorf("it has %d values for %d inputs", len(list), want)
	}
	return list, nil
}

// Quiet is a provider's answer to inputs of which none is asked: no rows.
func (o *Outputs) Quiet() (*vec.Batch, []int32, error) { return o.Rows().Batch() }

// Optional binds a number that requests have only where it is given.
func Optional(o *option.Set, dst *json.RawMessage, key, kind string, lo, hi float64, doc string) *option.Option {
	opt := o.Func(key, kind, "", doc, func(text string) error {
		text = strings.TrimSpace(text)
		n, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || !json.Valid([]byte(text)):
			return errors.New("is no number")
		case kind == "int" && strings.ContainsAny(text, ".eE"):
			return errors.New("is no whole number")
		case n < lo || n > hi:
			return fmt.Errorf("is not from %v to %v", lo, hi)
		}
		*dst = json.RawMessage(text)
		return nil
	})
	return opt
}

// Stops takes a list of texts with commas between apart.
func Stops(text string) []string {
	if text == "" {
		return nil
	}
	return slices.DeleteFunc(strings.Split(text, ","), func(s string) bool { return s == "" })
}
