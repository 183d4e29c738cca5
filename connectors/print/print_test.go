package print

import (
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

func TestPrint(t *testing.T) {
	cols := types.Schema{{Name: "a", Type: types.IntType}, {Name: "s", Type: types.StringType}}
	b := vec.New(cols.Arrow(), []arrow.Array{vec.Int32s([]int32{1, 2}, nil), vec.StringValues([]string{"x", ""}, nil)}, 2, []types.RowKind{types.Insert, types.UpdateBefore})
	for _, c := range []struct {
		identifier            string
		instance, parallelism int
		want                  string
	}{
		{"", 0, 1, "+I[1, x]\n-U[2, ]\n"}, {"out", 0, 1, "out> +I[1, x]\nout> -U[2, ]\n"},
		{"", 1, 3, "2> +I[1, x]\n2> -U[2, ]\n"}, {"out", 1, 3, "out:2> +I[1, x]\nout:2> -U[2, ]\n"},
	} {
		conf := new(config)
		if _, err := option.Decode(map[string]option.Value{"print-identifier": {Text: c.identifier}}, conf); err != nil {
			t.Fatal(err)
		}
		var lines []string
		env := &connectors.Env{Stdout: func(line []byte) { lines = append(lines, string(line)) }}
		s, err := conf.Sink(&connectors.TableDesc{Columns: cols}, env, c.instance, c.parallelism)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(lines, ""); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
