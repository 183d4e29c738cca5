package recording

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// service answers with two rows of even keys, none of odd ones; 7 fails for good, 8 for now.
type service struct{ calls int }

var answers = types.Schema{{Name: "k", Type: types.BigIntType}, {Name: "v", Type: types.StringType}, {Name: "k", Type: types.DoubleType}}

func (s *service) MaxKeys() int { return 2 }
func (s *service) Close() error { return nil }
func (s *service) Ask(_ context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	s.calls++
	b := []vec.Builder{vec.NewBuilder(answers[0].Type), vec.NewBuilder(answers[1].Type), vec.NewBuilder(answers[2].Type)}
	var of []int32
	for i, k := range vec.Values[int64](keys.Col(0)) {
		switch {
		case k == 7:
			return nil, nil, errors.New("no such key")
		case k == 8:
			return nil, nil, connectors.Retryable(errors.New("busy"))
		case k%2 == 1:
			continue
		}
		for n := range 2 {
			b[0].(*vec.FixedBuilder[int64]).Append(k)
			b[1].(*vec.TextBuilder).Append(fmt.Appendf(nil, "%d at call %d", n, s.calls))
			b[2].(*vec.FixedBuilder[float64]).Append(float64(k) / 3)
			of = append(of, int32(i))
		}
	}
	return vec.New(answers.Arrow(), []arrow.Array{b[0].Array(), b[1].Array(), b[2].Array()}, len(of), nil), of, nil
}

// look gives what a recording gives for keys.
func look(t *testing.T, path, mode string, svc *service, keys ...int64) string {
	t.Helper()
	s := New(path, mode)
	scan := connectors.LookupScan{Columns: answers[:2], Metadata: []string{"k"}, Keys: types.Schema{{Name: "k", Type: types.BigIntType}}}
	l, err := s.Lookup(&connectors.TableDesc{Name: "t"}, scan, answers, &connectors.Env{}, func() (connectors.Lookup, error) { return svc, nil })
	if err != nil {
		t.Fatal(err)
	}
	batch := vec.New(scan.Keys.Arrow(), []arrow.Array{vec.Int64s(keys, nil)}, len(keys), nil)
	b, of, err := l.Ask(t.Context(), batch)
	if err != nil {
		return err.Error()
	}
	var out []string
	for i, o := range of {
		out = append(out, fmt.Sprint(o, ":", b.Col(0).ValueStr(i), ",", b.Col(1).ValueStr(i), ",", b.Col(2).ValueStr(i)))
	}
	return strings.Join(out, " ")
}

func TestRecording(t *testing.T) {
	path, svc := filepath.Join(t.TempDir(), "calls", "a.jsonl"), &service{}
	f := func(mode string, want string, calls int, keys ...int64) {
		t.Helper()
		if got := look(t, path, mode, svc, keys...); got != want || svc.calls != calls {
			t.Errorf("%s %d: %s after %d calls, want %s after %d", mode, keys, got, svc.calls, want, calls)
		}
	}
	first := "0:2,0 at call 1,0.6666666666666666 0:2,1 at call 1,0.6666666666666666"
	f(Replay, "there is no recording "+path+": SET 'weir.calls.recording.mode' = 'auto' makes one", 0, 2)
	f(Auto, first, 1, 2)
	f(Auto, first, 1, 2)
	f(Auto, "", 2, 3)
	f(Auto, "1:2,0 at call 1,0.6666666666666666 1:2,1 at call 1,0.6666666666666666 2:4,0 at call 3,1.3333333333333333 2:4,1 at call 3,1.3333333333333333", 3, 3, 2, 4)
	f(Replay, first, 3, 2)
	f(Replay, "", 3, 3)
	f(Replay, `the recording `+path+` has no answer for the key {"k":6} with the wanted columns: SET 'weir.calls.recording.mode' = 'auto' asks for it`, 3, 2, 6)
	f(Record, strings.ReplaceAll(first, "call 1", "call 4"), 4, 2)
	f(Replay, strings.ReplaceAll(first, "call 1", "call 4"), 4, 2)
	f(Auto, "no such key", 5, 7)
	f(Replay, "no such key", 5, 7)
	f(Auto, "busy", 6, 8)
	f(Auto, "busy", 7, 8)
	text, _ := os.ReadFile(path)
	_ = os.WriteFile(path, append(text, []byte("{\"table\":\"t")...), 0o600)
	f(Auto, "0:10,0 at call 8,3.3333333333333335 0:10,1 at call 8,3.3333333333333335", 8, 10)
	f(Replay, "0:10,0 at call 8,3.3333333333333335 0:10,1 at call 8,3.3333333333333335", 8, 10)
}

// TestDamagedRecording names the line; a row that lacks a wanted column is no answer.
func TestDamagedRecording(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "a.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(look(t, path, Replay, nil, 1), path, "FILE"); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	good := `{"table":"t","key":{"k": 1},"rows":[{"k":1,"v":"x","@k":2}]}`
	f(good, "0:1,x,2")
	f(good+"\n\n"+good+"\n", "0:1,x,2")
	f(good+"\n{\"table\":", "0:1,x,2")
	f("{\"table\":\n"+good, "0:1,x,2")
	f(good+"\n{]\n", "the recording FILE, line 2: ")
	f(`{"table":"t","key":{"k":1},"rows":[1]}`, "line 1: a row is no JSON object")
	f(`{"table":"t","key":{"k":1},"rows":[{"k":1,"v":"x"}]}`, "has no answer for the key {\"k\":1} with the wanted columns")
	f(strings.Replace(good, `"k":1,`, `"k":"one",`, 1), "the recording FILE, an answer of table t: ")
}
