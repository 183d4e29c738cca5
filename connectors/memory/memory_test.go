package memory

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

var cols = types.Schema{{Name: "a", Type: types.BigIntType}, {Name: "b", Type: types.BigIntType}}

func batch(kinds []types.RowKind, values ...int64) *vec.Batch {
	twice := make([]int64, len(values))
	for i, v := range values {
		twice[i] = 2 * v
	}
	return vec.New(cols.Arrow(), []arrow.Array{vec.Int64s(values, nil), vec.Int64s(twice, nil)}, len(values), kinds)
}

func conf(t *testing.T, ts *Tables, pairs ...string) connectors.Config {
	t.Helper()
	c := ts.Connector().New()
	values := map[string]option.Value{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = option.Value{Text: pairs[i+1]}
	}
	if _, err := option.Decode(values, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t *testing.T, c connectors.Config, from connectors.Offset, limit int) (string, []connectors.Offset) {
	t.Helper()
	desc := &connectors.TableDesc{Name: "t", Columns: cols}
	src, err := c.(connectors.Reads).Source(desc, connectors.Scan{Columns: cols[1:]}, &connectors.Env{})
	if err != nil {
		t.Fatal(err)
	}
	splits, _ := src.Splits(context.Background())
	var out []string
	var offs []connectors.Offset
	for _, sp := range splits {
		r, err := src.Read(context.Background(), sp, from)
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, off, err := r.(connectors.BatchReader).NextBatch(context.Background(), limit)
			if err == io.EOF {
				break
			}
			for i := range b.Len() {
				out = append(out, types.KindString(b.Kind(i))+b.Col(0).ValueStr(i))
			}
			offs = append(offs, off)
		}
	}
	return strings.Join(out, " "), offs
}

func TestFeedAndRead(t *testing.T) {
	ts := NewTables()
	c := conf(t, ts)
	ts.Table("t").Feed(0, batch(nil, 1, 2, 3))
	ts.Table("t").Feed(0, batch([]types.RowKind{types.UpdateBefore, types.UpdateAfter}, 3, 4))
	all, offs := read(t, c, nil, 2)
	if want := "+I2 +I4 +I6 -U6 +U8"; all != want || len(offs) != 3 {
		t.Errorf("got %s in %d batches, want %s", all, len(offs), want)
	}
	if rest, _ := read(t, c, offs[0], 2); rest != "+I6 -U6 +U8" {
		t.Errorf("behind the first batch: %s", rest)
	}
	if mode, _ := c.(connectors.Reads).SourceMode(&connectors.TableDesc{Name: "t"}); mode != types.RetractMode {
		t.Errorf("mode %s", mode)
	}
	if mode, _ := conf(t, ts, "changelog-mode", "i, ua,d").(connectors.Reads).SourceMode(nil); mode != types.UpsertMode {
		t.Errorf("mode %s", mode)
	}
	ts.Table("t").Feed(2, batch(nil, 9))
	if got, _ := read(t, c, nil, 10); got != all+" +I18" {
		t.Errorf("splits: %s", got)
	}
}

func TestSinkTransactions(t *testing.T) {
	ctx := context.Background()
	ts := NewTables()
	c := conf(t, ts, "table-name", "x")
	s, _ := c.(connectors.Writes).Sink(&connectors.TableDesc{Name: "t", Columns: cols}, nil, 0, 1)
	s.Write(ctx, batch(nil, 1))
	first, _ := s.Flush(ctx)
	if got, _ := read(t, c, nil, 10); got != "" {
		t.Errorf("visible before the commit: %s", got)
	}
	s.Commit(ctx, first)
	s.Commit(ctx, first)
	s.Write(ctx, batch(nil, 2))
	second, _ := s.Flush(ctx)
	s.Write(ctx, batch(nil, 3))
	third, _ := s.Flush(ctx)
	s.(connectors.Restorer).Restore(ctx, [][]byte{second})
	s.Commit(ctx, third)
	if got, _ := read(t, c, nil, 10); got != "+I2 +I4" {
		t.Errorf("got %s: the rows of two commits, once each", got)
	}
}

func TestUnbounded(t *testing.T) {
	ts := NewTables()
	c := conf(t, ts, "bounded", "false")
	src, _ := c.(connectors.Reads).Source(&connectors.TableDesc{Name: "t", Columns: cols}, connectors.Scan{Columns: cols}, nil)
	r, _ := src.Read(context.Background(), connectors.Split{ID: "0000"}, nil)
	var got []string
	for i := range 4 {
		b, _, err := r.(connectors.BatchReader).NextBatch(context.Background(), 10)
		got = append(got, fmt.Sprint(b != nil, err))
		switch i {
		case 0:
			ts.Table("t").Feed(0, batch(nil, 1))
		case 1:
			ts.Table("t").End()
		}
	}
	if want := "false <nil>, true <nil>, false EOF, false EOF"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}
