package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"weir/connectors/kinesis"
	"weir/internal/render"
	"weir/internal/session"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
	"weir/sql/vec"
)

// demoSQL is the statements of the article that introduced Kinesis Data Analytics Studio, as they stand there.
//
//go:embed demo.sql
var demoSQL string

func demoCommand() *cobra.Command {
	d := &demo{out: os.Stdout}
	c := &cobra.Command{
		Use:   "demo",
		Short: "The whole round on this machine: streams, a generator, a window query, an output stream",
		Long: `Starts the embedded Kinesis server, makes my-input-stream and my-output-stream, runs the queries, and then
sends sensor readings. The rows of my-output-stream are shown as they land: each minute's counts and averages
by status, every ten seconds, as soon as the watermark has passed the window's end.`,
		Example: "  weir demo\n  weir demo --rate 1000 --for 2m",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if d.rate <= 0 || d.rate > 100_000 {
				return usageError{fmt.Errorf("--rate %v: want more than 0 and at most 100000 records a second", d.rate)}
			}
			return d.run(c.Context())
		},
	}
	c.Flags().StringVar(&d.addr, "addr", "", "address of the embedded Kinesis server; default 127.0.0.1:4567, or a free port when that is taken")
	c.Flags().StringVar(&d.data, "data", ".weir", "data folder")
	c.Flags().Float64Var(&d.rate, "rate", 100, "readings a second")
	c.Flags().DurationVar(&d.length, "for", 0, "how long to send readings; 0: until interrupted")
	c.Flags().BoolVar(&d.silent, "no-generator", false, "send nothing: another program does, such as the article's Python script")
	return c
}

type demo struct {
	addr, data string
	rate       float64
	length     time.Duration
	silent     bool

	out  io.Writer
	mu   sync.Mutex // one line at a time
	sent atomic.Int64
	seen atomic.Int64 // rows of the SELECT *
	s    *session.Session

	queries []*session.Running
	job     *session.Job
	landed  atomic.Int64
	lastRow atomic.Int64 // milliseconds of the clock
}

func (d *demo) run(ctx context.Context) error {
	s, err := session.Open(session.Options{DataDir: d.data, Ephemeral: true, KinesisAddr: d.addr,
		Settings: map[string]string{"table.exec.source.idle-advance": "5 s"}, Warn: func(text string) { d.say("warning: %s", text) }})
	if err != nil {
		return err
	}
	d.s = s
	ctx, cancel := context.WithCancel(ctx)
	err = d.round(ctx)
	cancel()
	for _, q := range d.queries {
		q.Cancel()
		<-q.Done()
	}
	if err == nil && d.landed.Load() > 0 {
		d.say("The streams are kept in %s. To look at them again: weir kinesis --data %[1]s, and any Kinesis client.", d.data)
	}
	return errors.Join(err, s.Close())
}

// round is the whole demo. The queries hold their LATEST positions before the first record is sent.
func (d *demo) round(ctx context.Context) error {
	url, err := d.s.LocalKinesis(ctx)
	if err != nil {
		return err
	}
	admin, err := kinesis.NewAdmin(ctx, url)
	if err != nil {
		return err
	}
	for _, stream := range []string{"my-input-stream", "my-output-stream"} {
		if err := admin.EnsureStream(ctx, stream, 1); err != nil {
			return err
		}
	}
	d.say("Kinesis at %s, data in %s; streams my-input-stream, my-output-stream", url, d.data)
	if err := d.statements(ctx); err != nil {
		return err
	}
	if d.silent {
		d.say("waiting for records: AWS_ENDPOINT_URL=%s AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x python3 random_data_generator.py", url)
	} else {
		first := time.Now().Truncate(10 * time.Second).Add(10 * time.Second)
		d.say("sending %v readings a second. A window of one minute ends every 10 s; its rows land once a reading is 5 s past its end:\n"+
			"that is the watermark (event_time - 5 s). The first ends at %s, so expect its rows at %s.",
			d.rate, first.Format("15:04:05"), first.Add(5*time.Second).Format("15:04:05"))
	}
	return d.watch(ctx, admin)
}

// statements runs the article's script, then reads back the output stream.
func (d *demo) statements(ctx context.Context) error {
	text := demoSQL + "\nSELECT * FROM sensor_state;"
	stmts, err := sql.Parse(text)
	if err != nil {
		return err
	}
	last := len(stmts) - 1
	// The reader of the output stream begins before the INSERT, so that no row escapes it.
	order := append(append([]ast.Statement(nil), stmts[:last-1]...), stmts[last], stmts[last-1])
	for _, st := range order {
		res, err := d.s.Execute(ctx, text, st)
		if err != nil {
			return err
		}
		d.say("\n%s", indent(text[st.Pos():st.Range().End]))
		for _, w := range res.AllWarnings() {
			d.say("  warning: %s", w.Msg)
		}
		if err := d.start(ctx, res, st == stmts[last]); err != nil {
			return err
		}
	}
	d.say("")
	return nil
}

// start runs a query or an INSERT. The rows of the output stream are shown; of the others, a count.
func (d *demo) start(ctx context.Context, res *session.Result, show bool) error {
	switch res.Kind {
	case session.Insert:
		job, err := res.Start(ctx)
		if err != nil {
			return err
		}
		d.job = job
		d.say("  job %s", job.ID)
	case session.Rows:
		rows := func(b *vec.Batch) error { d.seen.Add(int64(b.Len())); return nil }
		if len(res.Schema) == 4 && res.Schema[1].Name == "num" && !show {
			rows = func(*vec.Batch) error { return nil }
		}
		if show {
			rows = d.shower(res.Schema)
		}
		q, err := res.Stream(ctx, rows)
		if err != nil {
			return err
		}
		d.queries = append(d.queries, q)
	}
	return nil
}

// shower prints the rows of the output stream as they land.
func (d *demo) shower(schema types.Schema) func(*vec.Batch) error {
	w, err := render.New("tableau", lockedWriter{d}, schema, render.Options{})
	return func(b *vec.Batch) error {
		if err != nil {
			return err
		}
		d.landed.Add(int64(b.Len()))
		d.lastRow.Store(time.Now().UnixMilli())
		return w.Write(b)
	}
}

type lockedWriter struct{ d *demo }

func (w lockedWriter) Write(p []byte) (int, error) {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	return w.d.out.Write(p)
}

func (d *demo) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, format+"\n", args...)
}

// watch sends readings and says every few seconds how things are, until the time is up, the user stops
// it, or something fails.
func (d *demo) watch(ctx context.Context, admin *kinesis.Admin) error {
	sending, stop := context.WithCancel(ctx)
	defer stop()
	if d.length > 0 {
		sending, stop = context.WithTimeout(ctx, d.length)
		defer stop()
	}
	failed := make(chan error, 1)
	if !d.silent {
		go func() { failed <- generate(sending, admin, "my-input-stream", d.rate, &d.sent) }()
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	over := sending.Done()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			if err != nil {
				return err
			}
			failed = nil
		case <-over:
			over = nil
			if ctx.Err() == nil {
				return d.drain(ctx)
			}
		case <-tick.C:
			if state, err := d.job.State(); state == session.StateFailed {
				return err
			}
			d.say("-- %s", d.status())
		}
	}
}

// drain waits until the open windows are closed too: the source is idle, so its watermark follows the
// clock, and the last windows become final.
func (d *demo) drain(ctx context.Context) error {
	d.say("-- no more readings are sent; the last windows end by the clock, since the source is idle")
	end := time.Now().Add(80 * time.Second)
	for ctx.Err() == nil && time.Now().Before(end) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(5 * time.Second):
		}
		d.say("-- %s", d.status())
		quiet := time.Since(time.UnixMilli(d.lastRow.Load()))
		if session.Sum(d.job.Stats()).Groups == 0 && quiet > 2*time.Second {
			return nil
		}
	}
	return nil
}

// status is one line: rates, watermark, and what the next window waits for.
func (d *demo) status() string {
	t := session.Sum(d.job.Stats())
	line := fmt.Sprintf("%d read, %d rows landed", t.Read, d.landed.Load())
	if !d.silent {
		line = fmt.Sprintf("%d sent, ", d.sent.Load()) + line
	}
	if t.Behind > time.Second {
		line += fmt.Sprintf(", %s behind", t.Behind.Round(time.Second))
	}
	wm := t.Watermark
	if wm == types.MinTime || wm == types.MaxTime {
		return line + "; no watermark yet: no record has come"
	}
	next := (int64(wm)/10_000 + 1) * 10_000
	return line + fmt.Sprintf("; the window that ends at %s waits for the watermark, now at %s", clock(next), clock(int64(wm)))
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("15:04:05.0") }

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}
