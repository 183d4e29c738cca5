package local

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

var (
	inputs  = types.Schema{{Name: "x", Type: types.DoubleType}, {Name: "c", Type: types.StringType}}
	numbers = types.Schema{{Name: "y", Type: types.DoubleType}}
)

func ask(text string) (string, error) {
	m, err := parse([]byte(text), connectors.LookupScan{Columns: numbers, Keys: inputs})
	if err != nil {
		return "", err
	}
	cols := []arrow.Array{vec.Float64s([]float64{1, 2, 3}, vec.Bitmap{0b011}), vec.StringValues([]string{"a", "b", "a"}, nil)}
	out, of, err := m.Ask(context.Background(), vec.New(inputs.Arrow(), cols, 3, nil))
	if err != nil || fmt.Sprint(of) != "[0 1 2]" {
		return "", fmt.Errorf("%v %w", of, err)
	}
	return strings.Trim(fmt.Sprint(vec.Values[float64](out.Col(0))), "[]"), nil
}

func TestModels(t *testing.T) {
	for text, want := range map[string]string{
		`{"intercept": 1, "weights": {"x": 10}}`: "11 21 1",
		`{"categories": {"c": {"a": 5}}}`:        "5 0 5",
		`{"link": "logistic"}`:                   "0.5 0.5 0.5",
		`{"trees": [{"value": 2}, {"input": "x", "below": 2, "then": {"value": 10}, "else": {"value": 20}}]}`: "12 22 22",
		`{"trees": [{"input": "c", "is": "b", "then": {"value": 1}, "else": {"value": 0}}]}`:                  "0 1 0",
		`{"weights": {"z": 1}}`:                                                   `output "y": the model has no input "z"`,
		`{"weights": {"c": 1}}`:                                                   `output "y": input "c" is STRING: numbers are DOUBLE`,
		`{"categories": {"x": {"a": 1}}}`:                                         `output "y": input "x" is DOUBLE, not text`,
		`{"trees": [{"input": "x", "below": 1, "then": {"value": 1}}]}`:           `output "y": a tree lacks a branch, or is deeper than 100`,
		`{"trees": [{"input": "x", "then": {"value": 1}, "else": {"value": 1}}]}`: `output "y": a tree has either a value, or an input with below or is`,
		`{"link": "cubic"}`:                                                       `output "y": link "cubic" is neither identity nor logistic`,
		`{"threshold": 1}`:                                                        `output "y" is DOUBLE: with a threshold a model gives BOOLEAN`,
		`{"wheights": {"x": 1}}`:                                                  `json: unknown field "wheights"`,
	} {
		got, err := ask(`{"outputs": {"y": ` + text + `}}`)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if _, err := ask(`{"outputs": {}}`); err == nil || err.Error() != `there is no output "y"` {
		t.Error(err)
	}
}
