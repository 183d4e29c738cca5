package httpconn

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/models/modelstest"
	"weir/connectors/option"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// rig is a server on a socket of this machine, and what its tables were counted to ask.
type rig struct {
	*testing.T
	server *modelstest.Server
	url    string
	meter  *connectors.Meter
	// endpoint is whose calls the last client counted.
	endpoint string
}

// serve answers with a handler, which gets the number of the request, from 1.
func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body string, n int)) *rig {
	t.Helper()
	s := modelstest.Serve(t, answer)
	return &rig{T: t, server: s, url: s.URL, meter: connectors.NewMeter(time.Now, nil)}
}

// says answers every request with a status and a body.
func says(t *testing.T, status int, body string) *rig {
	t.Helper()
	s := modelstest.Says(t, status, body)
	return &rig{T: t, server: s, url: s.URL, meter: connectors.NewMeter(time.Now, nil)}
}

// requests are what was asked: "METHOD /path?query body".
func (g *rig) requests() (out []string) {
	for _, r := range g.server.Seen() {
		out = append(out, strings.TrimSpace(r.Line+" "+r.Body))
	}
	return out
}

func (g *rig) asked() string { return strings.Join(g.requests(), " | ") }

func (g *rig) count() int { return len(g.server.Seen()) }

func (g *rig) head(i int, name string) string { return g.server.Seen()[i].Header.Get(name) }

func (g *rig) env() *connectors.Env {
	env := g.server.Env()
	env.Calls = func(_, endpoint string) *connectors.Meter { g.endpoint = endpoint; return g.meter }
	return env
}

// usage is what tables of the server were counted to ask.
func (g *rig) usage() connectors.Usage { return g.meter.Usage() }

func (g *rig) logged() string { return g.server.Logged() }

// table is (id BIGINT, name STRING, score DOUBLE).
var table = types.Schema{{Name: "id", Type: types.BigIntType}, {Name: "name", Type: types.StringType}, {Name: "score", Type: types.DoubleType}}

// decode makes a configuration of options "key=value"; quick ones for tests come first.
func decode(c option.Config, url string, options ...string) error {
	values := map[string]option.Value{"url": {Text: url}, "format": {Text: "json"}}
	for _, o := range options {
		k, v, _ := strings.Cut(o, "=")
		values[k] = option.Value{Text: v}
	}
	_, err := option.Decode(values, c)
	return err
}

const quick = "http.source.lookup.retry-strategy.fixed-delay.delay=2 ms"

func (g *rig) configure(options ...string) *config {
	g.Helper()
	c, url := new(config), g.url
	for i, o := range options {
		if rest, ok := strings.CutPrefix(o, "url="); ok {
			url = strings.ReplaceAll(rest, "BASE", g.url)
			options = append(options[:i:i], options[i+1:]...)
			break
		}
	}
	if err := decode(c, url, append([]string{quick}, options...)...); err != nil {
		g.Fatal(err)
	}
	return c
}

func (g *rig) scan(keys string, meta ...string) connectors.LookupScan {
	s := connectors.LookupScan{Columns: table, Metadata: meta}
	for _, k := range strings.Fields(keys) {
		s.Keys = append(s.Keys, table[table.Index(k)])
	}
	return s
}

// lookup asks by keys, as "id name".
func (g *rig) lookup(keys string, meta []string, options ...string) (*lookup, error) {
	g.Helper()
	desc := &connectors.TableDesc{Name: "t", Columns: table, Options: map[string]string{}}
	for i, o := range options {
		if rest, ok := strings.CutPrefix(o, retriesKey+"="); ok {
			desc.Options[retriesKey] = rest
			options = append(options[:i:i], options[i+1:]...)
			break
		}
	}
	l, err := g.configure(options...).Lookup(desc, g.scan(keys, meta...), g.env())
	if err != nil {
		return nil, err
	}
	g.Cleanup(func() { l.Close() })
	return l.(*lookup), nil
}

func (g *rig) mustLookup(keys string, meta []string, options ...string) *lookup {
	g.Helper()
	l, err := g.lookup(keys, meta, options...)
	if err != nil {
		g.Fatal(err)
	}
	return l
}

// rowsOf makes a batch of (id, name, score): score is a tenth of id.
func rowsOf(kinds []types.RowKind, ids ...int64) *vec.Batch {
	names, scores := vec.NewTextBuilder(), make([]float64, len(ids))
	for i, id := range ids {
		names.AppendString(fmt.Sprintf("n %d", id))
		scores[i] = float64(id) / 10
	}
	return vec.New(table.Arrow(), []arrow.Array{vec.Int64s(ids, nil), names.Array(), vec.Float64s(scores, nil)}, len(ids), kinds)
}

// keysOf selects the keys of such rows.
func keysOf(l *lookup, ids ...int64) *vec.Batch {
	b := rowsOf(nil, ids...)
	var cols []arrow.Array
	for _, k := range l.scan.Keys {
		cols = append(cols, b.Col(table.Index(k.Name)))
	}
	return vec.New(l.scan.Keys.Arrow(), cols, len(ids), nil)
}

// ask gives the answers as "0:1,a,0.5 1:...".
func ask(ctx context.Context, l *lookup, ids ...int64) (string, error) {
	b, of, err := l.Ask(ctx, keysOf(l, ids...))
	if err != nil {
		return "", err
	}
	schema := answerSchema(l.scan)
	var rows []string
	for i := range b.Len() {
		var cells []string
		for c, col := range schema {
			cells = append(cells, string(fn.AppendText(nil, col.Type, b.Col(c), i, time.UTC)))
		}
		rows = append(rows, fmt.Sprintf("%d:%s", of[i], strings.Join(cells, ",")))
	}
	return strings.Join(rows, " "), nil
}

func (g *rig) want(l *lookup, want string, ids ...int64) {
	g.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if got, err := ask(ctx, l, ids...); err != nil || got != want {
		g.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// wantError asks for key 7 and wants an error with the texts.
func (g *rig) wantError(l *lookup, parts ...string) error {
	g.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	got, err := ask(ctx, l, 7)
	if err == nil {
		g.Fatalf("no error, but %s; want one with %q", got, parts)
	}
	if connectors.IsRetryable(err) {
		g.Errorf("all attempts were made, but there would be others of %v", err)
	}
	wantText(g.T, err, parts...)
	return err
}

func wantText(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}
