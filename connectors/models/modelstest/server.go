// Package modelstest is what the tests of providers share: a server on a socket that writes down what it is asked, a checker of
// signatures for AWS that is not the signer's code, and a way to ask a provider.
package modelstest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// Server is a service of a test.
type Server struct {
	testing.TB
	URL string

	mu   sync.Mutex
	seen []Request
	log  strings.Builder
}

// Request is one that came.
type Request struct {
	Line   string // "POST /path?query"
	Header http.Header
	Body   string
}

// Serve answers with a handler, which gets the number of the request, from 1.
func Serve(t testing.TB, answer func(w http.ResponseWriter, r *http.Request, body string, n int)) *Server {
	t.Helper()
	s := &Server{TB: t}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.seen = append(s.seen, Request{Line: r.Method + " " + r.RequestURI, Header: r.Header.Clone(), Body: string(body)})
		n := len(s.seen)
		s.mu.Unlock()
		answer(w, r, string(body), n)
	}))
	t.Cleanup(func() { h.CloseClientConnections(); h.Close() })
	s.URL = h.URL
	return s
}

// Says answers every request with a status and a body.
func Says(t testing.TB, status int, body string) *Server {
	t.Helper()
	return Serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, _ int) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// Seen is what was asked so far.
func (s *Server) Seen() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.seen...)
}

// Logged is what was logged.
func (s *Server) Logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// Write takes the log.
func (s *Server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// Env is the surroundings of a provider.
func (s *Server) Env() *connectors.Env {
	random := uint64(1)
	return &connectors.Env{
		Now: time.Now, Random: func() uint64 { return connectors.Mix(atomic.AddUint64(&random, 1)) }, Zone: time.UTC,
		Logger: slog.New(slog.NewTextHandler(s, nil)), Warn: func(text string) { fmt.Fprintln(s, text) },
	}
}

// Columns makes columns of "name TYPE, ...", of the types STRING, DOUBLE, INT, BOOLEAN and ARRAY<FLOAT>.
func Columns(text string) (out types.Schema) {
	of := map[string]types.Type{"STRING": types.StringType, "DOUBLE": types.DoubleType, "INT": types.IntType, "BOOLEAN": types.BooleanType,
		"ARRAY<FLOAT>": types.ArrayType(types.Type{Kind: types.Float}.WithNull(true))}
	for _, part := range strings.Split(text, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(part), " ")
		t, ok := of[typ]
		if !ok {
			panic("modelstest: type " + typ)
		}
		out = append(out, types.Column{Name: name, Type: t})
	}
	return out
}

// Model makes what asks a model "INPUT -> OUTPUT" by options "key=value"; pauses are short.
func (s *Server) Model(p connectors.Connector, columns string, options ...string) (connectors.Lookup, connectors.LookupScan, error) {
	in, out, _ := strings.Cut(columns, " -> ")
	scan := connectors.LookupScan{Keys: Columns(in), Columns: Columns(out)}
	desc := &connectors.TableDesc{Name: "m", Columns: append(append(types.Schema{}, scan.Columns...), scan.Keys...), Options: map[string]string{}}
	values := map[string]option.Value{"http.source.lookup.retry-strategy.exponential-delay.initial-backoff": {Text: "2 ms"}}
	for _, o := range options {
		k, v, _ := strings.Cut(o, "=")
		if desc.Options[k] = v; k != "lookup.max-retries" { // which all models have
			values[k] = option.Value{Text: v}
		}
	}
	c := p.New()
	if _, err := option.Decode(values, c); err != nil {
		return nil, scan, err
	}
	l, err := c.(connectors.LooksUp).Lookup(desc, scan, s.Env())
	if err == nil {
		s.Cleanup(func() { l.Close() })
	}
	return l, scan, err
}

// Rows makes a batch of rows "a|b"; an empty value is NULL.
func Rows(cols types.Schema, rows ...string) *vec.Batch {
	builders := make([]vec.Builder, len(cols))
	for i, c := range cols {
		builders[i] = vec.NewBuilder(c.Type)
	}
	for _, row := range rows {
		for i, cell := range strings.Split(row, "|") {
			if cell == "" {
				builders[i].AppendNull()
				continue
			}
			switch b := builders[i].(type) {
			case *vec.TextBuilder:
				b.AppendString(cell)
			case *vec.FixedBuilder[float64]:
				var v float64
				fmt.Sscan(cell, &v)
				b.Append(v)
			case *vec.FixedBuilder[int32]:
				var v int32
				fmt.Sscan(cell, &v)
				b.Append(v)
			default:
				panic(fmt.Sprintf("modelstest: %T", b))
			}
		}
	}
	arrays := make([]arrow.Array, len(cols))
	for i, b := range builders {
		arrays[i] = b.Array()
	}
	return vec.New(cols.Arrow(), arrays, len(rows), nil)
}

// Ask gives the answers to rows as "0:x,y 1:z".
func Ask(ctx context.Context, l connectors.Lookup, scan connectors.LookupScan, rows ...string) (string, error) {
	b, of, err := l.Ask(ctx, Rows(scan.Keys, rows...))
	if err != nil {
		return "", err
	}
	var out []string
	for i := range b.Len() {
		var cells []string
		for c, col := range scan.Columns {
			cells = append(cells, string(fn.AppendText(nil, col.Type, b.Col(c), i, time.UTC)))
		}
		out = append(out, fmt.Sprintf("%d:%s", of[i], strings.Join(cells, ",")))
	}
	return strings.Join(out, " "), nil
}

// Want asks a model and compares answers; of an error it compares the parts, with " & " between.
func (s *Server) Want(p connectors.Connector, columns string, rows []string, want string, options ...string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	l, scan, err := s.Model(p, columns, options...)
	got := ""
	if err == nil {
		got, err = Ask(ctx, l, scan, rows...)
	}
	if err == nil {
		if got != want {
			s.Errorf("%s %v\n got %s\nwant %s", columns, options, got, want)
		}
		return
	}
	for _, part := range strings.Split(want, " & ") {
		if !strings.Contains(err.Error(), part) {
			s.Errorf("%s %v\nerror %s\n lacks %s", columns, options, err, part)
		}
	}
	if connectors.IsRetryable(err) {
		s.Errorf("the attempts were made, but there would be others of: %v", err)
	}
}
