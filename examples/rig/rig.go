// Package rig is what the examples share when one command runs them whole: an embedded Kinesis server in memory, a SQL
// session that uses it, and a client that puts and reads records.
//
// Contract: a Rig belongs to one goroutine, but for Put and Tail, which any may call. Nothing is kept when it is closed.
package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"weir/connectors/kinesis/local"
	"weir/internal/render"
	"weir/internal/session"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/vec"
)

// Rig is a server and a session.
type Rig struct {
	Client  local.Client
	Session *session.Session

	server *local.Server
	dir    string
	out    io.Writer
	format string // of the rows of queries
}

// Open starts a server and a session over it. What queries give, and what the user should know, goes to out.
func Open(out io.Writer) (*Rig, error) {
	dir, err := os.MkdirTemp("", "weir-example-")
	if err != nil {
		return nil, err
	}
	r := &Rig{dir: dir, out: out, format: "table"}
	if r.server, err = local.Run(local.Options{}); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.Client.Endpoint = r.server.URL()
	if err = r.open(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Another is another session over the same server, with tables of its own.
func (r *Rig) Another() (*Rig, error) {
	o := &Rig{Client: r.Client, out: r.out, format: r.format}
	var err error
	o.dir, err = os.MkdirTemp("", "weir-example-")
	if err == nil {
		err = o.open()
	}
	return o, err
}

func (r *Rig) open() (err error) {
	warn := func(text string) { fmt.Fprintln(r.out, "warning:", text) }
	r.Session, err = session.Open(session.Options{Ephemeral: true, DataDir: r.dir, Endpoint: r.Client.Endpoint, Warn: warn})
	return err
}

// Close ends jobs, and the server where it is the rig's own.
func (r *Rig) Close() error {
	var errs []error
	if r.Session != nil {
		errs = append(errs, r.Session.Close())
	}
	if r.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		errs = append(errs, r.server.Close(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

// Run executes a script of a folder, its variables replaced: INSERTs run to their end, and the rows of queries are shown.
func (r *Rig) Run(ctx context.Context, file string, vars map[string]string) error {
	jobs, err := r.Start(ctx, file, vars)
	for _, j := range jobs {
		err = errors.Join(err, j.Wait())
	}
	return err
}

// Start is Run, without waiting for the INSERTs.
func (r *Rig) Start(ctx context.Context, file string, vars map[string]string) (jobs []*session.Job, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := map[string]string{"DIR": filepath.Dir(file)}
	for k, v := range vars {
		all[k] = v
	}
	script, err := session.Substitute(string(text), all)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	stmts, err := sql.Parse(script)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, st := range stmts {
		j, err := r.execute(ctx, script, st)
		if err != nil {
			return jobs, fmt.Errorf("%s: %w", file, err)
		}
		if j != nil {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// Lines executes a statement, and gives the rows of a query as JSON objects.
func (r *Rig) Lines(ctx context.Context, statement string) ([][]byte, error) {
	stmts, err := sql.Parse(statement)
	if err != nil {
		return nil, err
	}
	out, format := r.out, r.format
	defer func() { r.out, r.format = out, format }()
	var b bytes.Buffer
	r.out, r.format = &b, "json"
	for _, st := range stmts {
		if _, err := r.execute(ctx, statement, st); err != nil {
			return nil, err
		}
	}
	if b.Len() == 0 {
		return nil, nil
	}
	return bytes.Split(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("\n")), nil
}

func (r *Rig) execute(ctx context.Context, script string, st ast.Statement) (*session.Job, error) {
	res, err := r.Session.Execute(ctx, script, st)
	if err != nil {
		return nil, err
	}
	switch res.Kind {
	case session.Insert:
		return res.Start(ctx)
	case session.Table:
		return nil, render.Cells("tableau", r.out, res.Columns, res.Cells)
	case session.Rows:
		w, err := render.New(r.format, r.out, res.Schema, render.Options{Zone: res.Plan.Settings.Zone, Append: res.Append, MaxWidth: 60})
		if err != nil {
			return nil, err
		}
		running, err := res.Stream(ctx, func(b *vec.Batch) error { return w.Write(b) })
		if err == nil {
			err = running.Wait()
		}
		return nil, w.Close(err)
	}
	return nil, nil
}
