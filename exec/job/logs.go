package job

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	maxLogLines = 1000
	maxLogText  = 4096
)

// Line is a line of a job's log.
type Line struct {
	Time    time.Time `json:"time"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
	Fields  string    `json:"fields,omitempty"` // key=value, separated by spaces
}

// Logs keeps the newest lines of a job's log. It is safe for concurrent use.
type Logs struct {
	mu    sync.Mutex
	lines []Line
	first int // of the ring, once it is full
	total int64
}

// Lines gives the lines kept, oldest first, and how many there were in all.
func (l *Logs) Lines() ([]Line, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]Line(nil), l.lines[l.first:]...), l.lines[:l.first]...), l.total
}

func (l *Logs) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if len(l.lines) < maxLogLines {
		l.lines = append(l.lines, line)
		return
	}
	l.lines[l.first] = line
	l.first = (l.first + 1) % maxLogLines
}

// handler writes to a job's log and hands on to the process's, both without secrets.
type handler struct {
	logs   *Logs
	next   slog.Handler
	hide   func(string) string
	fields string
	group  string
}

// newLogger makes the logger of a job.
func newLogger(logs *Logs, next slog.Handler, hide func(string) string) *slog.Logger {
	return slog.New(&handler{logs: logs, next: next, hide: hide})
}

// Enabled: a job's log has what is worth telling; the process's takes what it wants of it.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.next.Enabled(ctx, level)
}

// Handle writes a record.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.hide(r.Message), r.PC)
	fields := h.fields
	r.Attrs(func(a slog.Attr) bool {
		a = h.clean(a)
		out.AddAttrs(a)
		fields += field(h.group, a)
		return true
	})
	if r.Level >= slog.LevelInfo {
		h.logs.add(Line{Time: r.Time.UTC(), Level: r.Level.String(), Message: cut(out.Message), Fields: cut(strings.TrimSpace(fields))})
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, out)
}

// clean makes a text of what may hold one.
func (h *handler) clean(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString, slog.KindAny, slog.KindGroup:
		return slog.String(a.Key, h.hide(v.String()))
	}
	return slog.Attr{Key: a.Key, Value: v}
}

func field(group string, a slog.Attr) string {
	v := a.Value.String()
	if v == "" || strings.ContainsAny(v, " =\"\n\t") {
		v = `"` + strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(v) + `"`
	}
	return " " + group + a.Key + "=" + v
}

func cut(s string) string {
	if len(s) > maxLogText {
		return strings.ToValidUTF8(s[:maxLogText], "") + "..."
	}
	return s
}

// WithAttrs and WithGroup are for loggers made from this one.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *h
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.clean(a)
		out.fields += field(h.group, clean[i])
	}
	out.next = h.next.WithAttrs(clean)
	return &out
}

// WithGroup prefixes the names of what follows.
func (h *handler) WithGroup(name string) slog.Handler {
	out := *h
	out.group += name + "."
	out.next = h.next.WithGroup(name)
	return &out
}
