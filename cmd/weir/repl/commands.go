package repl

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"weir/internal/render"
)

// command is what a line that begins with a backslash (or a dot) does.
type command struct {
	name string
	args string
	doc  string
	run  func(p *prompt, ctx context.Context, arg string) (leave bool)
}

// commands is THE list of the prompt's commands.
func commands() []command {
	return []command{
		{"?", "", "this list", func(p *prompt, _ context.Context, _ string) bool { p.help(); return false }},
		{"d", "[NAME]", "tables and views, or the columns of one", func(p *prompt, ctx context.Context, arg string) bool {
			if arg == "" {
				p.run(ctx, "SHOW TABLES")
			} else {
				p.run(ctx, "DESCRIBE "+arg)
			}
			return false
		}},
		{"dt", "", "tables and views", func(p *prompt, ctx context.Context, _ string) bool { p.run(ctx, "SHOW TABLES"); return false }},
		{"df", "[NAME]", "functions, or the documentation of one", func(p *prompt, ctx context.Context, arg string) bool {
			if arg == "" {
				p.run(ctx, "SHOW FUNCTIONS")
			} else {
				p.run(ctx, "DESCRIBE FUNCTION "+arg)
			}
			return false
		}},
		{"jobs", "", "jobs of this session", func(p *prompt, ctx context.Context, _ string) bool { p.run(ctx, "SHOW JOBS"); return false }},
		{"x", "", "vertical results on or off", func(p *prompt, _ context.Context, _ string) bool { p.setFormat("vertical"); return false }},
		{"format", "[NAME]", "format of results: " + formatNames() + "; without a name, the result mode's", func(p *prompt, _ context.Context, arg string) bool {
			p.chooseFormat(arg)
			return false
		}},
		{"timing", "", "times of statements on or off", func(p *prompt, _ context.Context, _ string) bool {
			p.timing = !p.timing
			fmt.Fprintln(p.err, "Timing is "+onOff(p.timing)+".")
			return false
		}},
		{"i", "FILE", "run a script", func(p *prompt, ctx context.Context, arg string) bool { p.include(ctx, arg); return false }},
		{"e", "", "write a statement in $EDITOR, and run it", func(p *prompt, ctx context.Context, _ string) bool { p.editor(ctx); return false }},
		{"watch", "[SECONDS]", "run the last statement again and again, until Ctrl-C", func(p *prompt, ctx context.Context, arg string) bool {
			p.watch(ctx, arg)
			return false
		}},
		{"q", "", "leave", func(*prompt, context.Context, string) bool { return true }},
	}
}

func commandNames() []string {
	var out []string
	for _, c := range commands() {
		out = append(out, `\`+c.name)
	}
	return out
}

func formatNames() string {
	var names []string
	for _, f := range render.Formats() {
		names = append(names, f[0])
	}
	return strings.Join(names, ", ")
}

// isCommand tells a command from SQL. Words without a backslash that people type to leave count too.
func isCommand(line string) bool {
	switch strings.ToLower(strings.TrimRight(line, "; ")) {
	case "exit", "quit", "help", "clear":
		return true
	}
	return strings.HasPrefix(line, `\`) || len(line) > 1 && line[0] == '.' && line[1] >= 'a' && line[1] <= 'z'
}

// command runs a command line.
func (p *prompt) command(ctx context.Context, line string) (leave bool) {
	line = strings.TrimRight(line, "; ")
	name, arg, _ := strings.Cut(strings.TrimLeft(line, `\.`), " ")
	switch strings.ToLower(name) {
	case "exit", "quit":
		name = "q"
	case "help", "h":
		name = "?"
	case "tables":
		name = "dt"
	case "schema":
		name = "d"
	case "mode":
		name = "format"
	case "clear":
		fmt.Fprint(p.out, "\x1b[2J\x1b[H")
		return false
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(p, ctx, strings.TrimSpace(arg))
		}
	}
	fmt.Fprintf(p.err, "there is no command %q: \\? lists them\n", line)
	return false
}

func (p *prompt) help() {
	for _, c := range commands() {
		fmt.Fprintf(p.err, "  %-20s %s\n", strings.TrimSpace(`\`+c.name+" "+c.args), c.doc)
	}
	fmt.Fprintln(p.err, `
A statement ends with a semicolon and may take several lines. Tab completes. Ctrl-C ends a query.
INSERT INTO runs in the background (SET 'table.dml-sync' = 'true' waits for it): SHOW JOBS, STOP JOB 'ID'.
SET lists the settings; SET 'sql-client.execution.result-mode' = 'table', 'changelog' or 'tableau'.`)
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// setFormat switches a format on, or off again.
func (p *prompt) setFormat(name string) {
	if p.format == name {
		name = ""
	}
	p.chooseFormat(name)
}

func (p *prompt) chooseFormat(name string) {
	known := name == ""
	for _, f := range render.Formats() {
		known = known || f[0] == name
	}
	if !known {
		fmt.Fprintf(p.err, "there is no format %q: use one of %s\n", name, formatNames())
		return
	}
	p.format = name
	if name == "" {
		name = "that of the result mode"
	}
	fmt.Fprintln(p.err, "Format is "+name+".")
}

func (p *prompt) include(ctx context.Context, file string) {
	text, err := os.ReadFile(strings.Trim(file, "'"))
	if err != nil {
		fmt.Fprintln(p.err, err)
		return
	}
	p.run(ctx, string(text))
}

// editor opens the last statement in the user's editor.
func (p *prompt) editor(ctx context.Context) {
	name := os.Getenv("VISUAL")
	if name == "" {
		name = os.Getenv("EDITOR")
	}
	if name == "" {
		name = "vi"
	}
	f, err := os.CreateTemp("", "weir-*.sql")
	if err != nil {
		fmt.Fprintln(p.err, err)
		return
	}
	defer os.Remove(f.Name())
	_, _ = f.WriteString(p.last())
	f.Close()
	cmd := exec.CommandContext(ctx, "sh", "-c", name+` "$0"`, f.Name())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(p.err, "%s: %v\n", name, err)
		return
	}
	text, err := os.ReadFile(f.Name())
	if err != nil || strings.TrimSpace(string(text)) == "" {
		return
	}
	p.hist.add(string(text))
	p.edit.Remember(string(text))
	p.run(ctx, string(text))
}

// last is the last statement that was no command.
func (p *prompt) last() string {
	for i := len(p.hist.items) - 1; i >= 0; i-- {
		if !isCommand(p.hist.items[i]) {
			return p.hist.items[i]
		}
	}
	return ""
}

func (p *prompt) watch(ctx context.Context, arg string) {
	every := 2 * time.Second
	if arg != "" {
		d, err := time.ParseDuration(arg + "s")
		if err != nil || d <= 0 {
			fmt.Fprintf(p.err, "%q is no number of seconds\n", arg)
			return
		}
		every = d
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	for text := p.last(); text != "" && ctx.Err() == nil; {
		fmt.Fprintf(p.err, "-- %s\n", time.Now().Format(time.TimeOnly))
		p.run(ctx, text)
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}
