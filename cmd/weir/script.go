package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"weir/exec"
	"weir/internal/render"
	"weir/internal/session"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/vec"
)

// script runs statements one after the other and prints what they give.
type script struct {
	s      *session.Session
	out    io.Writer // rows
	errs   io.Writer // messages, warnings, statistics
	format string
	quiet  bool // no messages of statements that give no rows
	stats  bool
	// background: INSERT prints its job's id and goes on, unless table.dml-sync is true.
	background bool
}

// run parses the whole text first, so that a mistake at the end stops it before anything is done.
func (r *script) run(ctx context.Context, name, text string) error {
	stmts, err := sql.Parse(text)
	if err != nil {
		return r.fail(name, err)
	}
	for _, st := range stmts {
		if err := r.statement(ctx, text, st); err != nil {
			return r.fail(name, err)
		}
	}
	return nil
}

// fail prints an error the way it is meant to be read, and gives the exit code.
func (r *script) fail(name string, err error) error {
	var code exitCode
	if errors.As(err, &code) || errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Fprintln(r.errs, inFile(name, session.HideSecrets(err)))
	return exitCode(1)
}

// inFile puts the script's name before an error: each place becomes FILE:line:column.
func inFile(name string, err error) string {
	if name == "-" {
		name = "stdin"
	}
	var list *sql.ErrorList
	var one *sql.Error
	switch {
	case name == "":
		return err.Error()
	case errors.As(err, &list):
		for _, e := range list.Errors {
			e.Name = name
		}
		return list.Error()
	case errors.As(err, &one):
		one.Name = name
		return one.Error()
	}
	return name + ": " + err.Error()
}

func (r *script) statement(ctx context.Context, text string, st ast.Statement) error {
	res, err := r.s.Execute(ctx, text, st)
	if err != nil {
		return err
	}
	for _, w := range res.AllWarnings() {
		r.warn(text, w)
	}
	switch res.Kind {
	case session.Rows:
		return r.query(ctx, res)
	case session.Insert:
		return r.insert(ctx, res)
	case session.Table:
		return r.table(res)
	}
	if !r.quiet && res.Message != "" {
		fmt.Fprintln(r.errs, "[INFO] "+res.Message)
	}
	return nil
}

func (r *script) warn(text string, w planner.Warning) {
	at := ""
	if w.Len > 0 {
		line, col := sql.Position(text, w.Pos)
		at = fmt.Sprintf("%d:%d: ", line, col)
	}
	msg := "warning: " + at + w.Msg
	if w.Hint != "" {
		msg += "\n  " + w.Hint
	}
	fmt.Fprintln(r.errs, msg)
}

// table prints a small result.
func (r *script) table(res *session.Result) error {
	if res.Plain {
		_, err := fmt.Fprintln(r.out, res.Cells[0][0])
		return err
	}
	return render.Cells(r.format, r.out, res.Columns, res.Cells)
}

func (r *script) query(ctx context.Context, res *session.Result) error {
	w, err := render.New(r.format, r.out, res.Schema, r.renderOptions(res))
	if err != nil {
		return err
	}
	began := time.Now()
	running, err := res.Stream(ctx, func(b *vec.Batch) error { return w.Write(b) })
	if err != nil {
		return err
	}
	err = running.Wait()
	if e := w.Close(err); err == nil {
		err = e
	}
	if r.stats {
		r.printStats(running.Stats(), time.Since(began))
	}
	return err
}

func (r *script) renderOptions(res *session.Result) render.Options {
	return render.Options{Zone: res.Plan.Settings.Zone, Append: res.Append, MaxWidth: r.s.IntSetting("sql-client.display.max-column-width"),
		MaxRows: r.s.IntSetting("sql-client.execution.max-table-result.rows")}
}

func (r *script) insert(ctx context.Context, res *session.Result) error {
	began := time.Now()
	job, err := res.Start(ctx)
	if err != nil {
		return err
	}
	if r.background && r.s.Setting("table.dml-sync") != "true" {
		fmt.Fprintf(r.errs, "[INFO] Job ID: %s\n", job.ID)
		return nil
	}
	err = job.Wait()
	if r.stats {
		r.printStats(job.Stats(), time.Since(began))
	}
	if err == nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// printStats prints the rows read and the rows handed to the sink as a line of JSON.
func (r *script) printStats(stats []exec.NodeStats, took time.Duration) {
	t := session.Sum(stats)
	fmt.Fprintf(r.errs, `{"rows_read":%d,"rows_to_sink":%d,"late_rows":%d,"rejected_records":%d,"wall_ms":%d}`+"\n", t.Read, t.Given, t.Late, t.Rejected, took.Milliseconds())
}

// isTerminal tells whether a person looks at the output.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
