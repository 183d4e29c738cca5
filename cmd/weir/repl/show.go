package repl

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/term"

	"weir/internal/render"
	"weir/internal/session"
	"weir/sql/types"
	"weir/sql/vec"
)

func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt)
}

func (p *prompt) table(res *session.Result) error {
	if res.Plain {
		_, err := fmt.Fprintln(p.out, res.Cells[0][0])
		return err
	}
	format := p.format
	if format == "" {
		format = "table"
	}
	return render.Cells(format, p.out, res.Columns, res.Cells)
}

func (p *prompt) insert(ctx context.Context, res *session.Result) error {
	// A job outlives the statement: Ctrl-C at the prompt must not end it.
	job, err := res.Start(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.err, "[INFO] Job ID: %s\n", job.ID)
	if p.s.Setting("table.dml-sync") != "true" {
		return nil
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-ctx.Done():
			job.Stop(false)
		case <-done:
		}
	}()
	return job.Wait()
}

// query shows a query's rows in the chosen format, or as the result mode says.
func (p *prompt) query(ctx context.Context, res *session.Result) error {
	format := p.format
	if format == "" {
		switch p.s.Setting("sql-client.execution.result-mode") {
		case "changelog", "tableau":
			format = "tableau"
		default:
			format = "table"
			if term.IsTerminal(int(os.Stdout.Fd())) && term.IsTerminal(int(os.Stdin.Fd())) && unbounded(res) {
				return p.live(ctx, res)
			}
		}
	}
	w, err := render.New(format, p.out, res.Schema, p.renderOptions(res))
	if err != nil {
		return err
	}
	running, err := res.Stream(ctx, func(b *vec.Batch) error { return w.Write(b) })
	if err != nil {
		return err
	}
	stop := p.progress(running)
	err = running.Wait()
	stop()
	if e := w.Close(err); err == nil {
		err = e
	}
	return err
}

func (p *prompt) renderOptions(res *session.Result) render.Options {
	return render.Options{Zone: res.Plan.Settings.Zone, Append: res.Append,
		MaxWidth: p.s.IntSetting("sql-client.display.max-column-width"),
		MaxRows:  p.s.IntSetting("sql-client.execution.max-table-result.rows")}
}

func unbounded(res *session.Result) bool { return !res.Bounded() }

// progress tells now and then what a query waits for, on a terminal, while it gives nothing.
func (p *prompt) progress(running *session.Running) (stop func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for last := int64(-1); ; {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			t := session.Sum(running.Stats())
			if t.Given == last {
				fmt.Fprintf(p.err, "-- %d rows read, %d given, watermark %s\n", t.Read, t.Given, watermarkText(t.Watermark))
			}
			last = t.Given
		}
	}()
	return func() { close(done) }
}

func watermarkText(wm types.Time) string {
	switch wm {
	case types.MinTime:
		return "none yet"
	case types.MaxTime:
		return "end of input"
	}
	return strings.TrimSuffix(time.UnixMilli(int64(wm)).UTC().Format("2006-01-02 15:04:05.000"), ".000")
}
