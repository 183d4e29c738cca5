package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"weir/internal/session"
	"weir/sql"
	"weir/sql/ast"
)

// Options of a prompt.
type Options struct {
	Session *session.Session
	DataDir string
	Format  string // of results; "" is what the result mode says
	NoColor bool
	Banner  string
	Out     io.Writer
	Err     io.Writer
}

// prompt is one interactive session.
type prompt struct {
	o        Options
	s        *session.Session
	out, err io.Writer
	edit     LineEditor
	hist     *history
	words    *Words
	format   string // "" is live
	timing   bool
	warned   bool // leaving with running jobs was warned of
}

// Run reads and runs statements until the end of the input or \q. The error is the last statement's
// when the input is no terminal.
func Run(ctx context.Context, o Options) error {
	p := &prompt{o: o, s: o.Session, out: o.Out, err: o.Err, format: o.Format, hist: openHistory(filepath.Join(o.DataDir, "history"))}
	p.words = sessionWords(p.s)
	var paint func(string) string
	if !o.NoColor {
		paint = paintSQL
	}
	var err error
	if p.edit, err = newEditor(p.hist, p.words.Complete, paint); err != nil {
		return err
	}
	defer p.edit.Close()
	if o.Banner != "" {
		fmt.Fprintln(p.err, o.Banner)
	}
	return p.loop(ctx)
}

const (
	promptFirst = "weir> "
	promptMore  = "   -> "
)

// loop gathers lines into statements: a statement ends at a semicolon, as the lexer sees it.
func (p *prompt) loop(ctx context.Context) error {
	text := ""
	for {
		mark := promptFirst
		if strings.TrimSpace(text) != "" {
			mark = promptMore
		}
		line, err := p.edit.ReadLine(mark)
		switch {
		case errors.Is(err, errInterrupt):
			if strings.TrimSpace(text+line) == "" {
				fmt.Fprintln(p.err, `(\q, or Ctrl-D, leaves)`)
			}
			text = ""
			continue
		case err == io.EOF:
			if strings.TrimSpace(text) != "" {
				p.run(ctx, text)
			}
			if p.mayLeave() {
				return nil
			}
			continue
		case err != nil:
			return err
		}
		if cmd := strings.TrimSpace(line); strings.TrimSpace(text) == "" && isCommand(cmd) {
			p.hist.add(cmd)
			p.edit.Remember(cmd)
			if leave := p.command(ctx, cmd); leave && p.mayLeave() {
				return nil
			}
			continue
		}
		text = p.runComplete(ctx, text+line+"\n")
	}
}

// runComplete runs the whole statements of text and gives what is left.
func (p *prompt) runComplete(ctx context.Context, text string) string {
	done := 0
	for _, piece := range sql.Split(text) {
		if !piece.Terminated {
			break
		}
		done = piece.End + strings.IndexByte(text[piece.End:], ';') + 1
		p.hist.add(piece.Text)
		p.edit.Remember(piece.Text)
		p.run(ctx, piece.Text)
	}
	if rest := text[done:]; strings.TrimSpace(rest) != "" {
		return rest
	}
	return ""
}

// mayLeave warns once of jobs that end with the session.
func (p *prompt) mayLeave() bool {
	n := p.s.RunningJobs()
	if n == 0 || p.warned {
		return true
	}
	p.warned = true
	jobs := "1 job is"
	if n > 1 {
		jobs = fmt.Sprintf("%d jobs are", n)
	}
	fmt.Fprintf(p.err, "%s still running and will stop with this session (SHOW JOBS lists them). Leave again to go.\n", jobs)
	_, plain := p.edit.(*plainEditor)
	return plain
}

// run runs the statements of a text; Ctrl-C ends a query, not the prompt.
func (p *prompt) run(ctx context.Context, text string) {
	stmts, err := sql.Parse(text)
	if err != nil {
		fmt.Fprintln(p.err, session.HideSecrets(err))
		return
	}
	for _, st := range stmts {
		began := time.Now()
		qctx, stop := signal.NotifyContext(ctx, os.Interrupt)
		err := p.statement(qctx, text, st)
		stop()
		if err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(p.err, err)
		}
		if p.timing {
			fmt.Fprintf(p.err, "Time: %s\n", time.Since(began).Round(time.Microsecond))
		}
		if err != nil {
			return
		}
	}
}

func (p *prompt) statement(ctx context.Context, text string, st ast.Statement) error {
	res, err := p.s.Execute(ctx, text, st)
	if err != nil {
		return err
	}
	p.warnings(text, res)
	switch res.Kind {
	case session.Rows:
		return p.query(ctx, res)
	case session.Insert:
		return p.insert(ctx, res)
	case session.Table:
		return p.table(res)
	}
	fmt.Fprintln(p.err, "[INFO] "+res.Message)
	return nil
}

func (p *prompt) warnings(text string, res *session.Result) {
	for _, w := range res.AllWarnings() {
		at := ""
		if w.Len > 0 {
			line, col := sql.Position(text, w.Pos)
			at = fmt.Sprintf("%d:%d: ", line, col)
		}
		fmt.Fprintf(p.err, "[WARNING] %s%s\n", at, w.Msg)
		if w.Hint != "" {
			fmt.Fprintf(p.err, "          %s\n", w.Hint)
		}
	}
}
