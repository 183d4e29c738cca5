package repl

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"weir/internal/render"
	"weir/internal/session"
	"weir/sql/vec"
)

// live is the full-screen table of a running query: the rows of its changing table, kept up to date.
// Keys: Q leaves, + and - change how often it is drawn, N P page, G and L go to the first and the last
// page, space holds still.
type live struct {
	running *session.Running
	mu      sync.Mutex // guards table: rows come from another goroutine
	table   *render.Live
	every   time.Duration
	page    int
	follow  bool
	paused  bool
	ended   bool
	began   time.Time
}

// The terminal's other screen, without a cursor, and back.
const (
	screenOn  = "\x1b[?1049h\x1b[?25l"
	screenOff = "\x1b[?25h\x1b[?1049l"
)

// keyWait is how long a key is waited for before the screen may be drawn again.
const keyWait = 50 * time.Millisecond

func (p *prompt) live(ctx context.Context, res *session.Result) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &live{every: 500 * time.Millisecond, follow: true, began: time.Now(), table: render.NewLive(res.Schema, p.renderOptions(res))}
	var err error
	m.running, err = res.Stream(ctx, func(b *vec.Batch) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.table.Write(b)
	})
	if err != nil {
		return err
	}
	if err := m.show(ctx, p.out); err != nil {
		return err
	}
	ended := m.ended
	m.running.Cancel()
	err = m.running.Wait()
	if ended && err != nil {
		return err
	}
	fmt.Fprintln(p.err, m.status())
	return nil
}

// show holds the screen until the user leaves or the query fails. A query that has ended stays on the
// screen.
func (m *live) show(ctx context.Context, out io.Writer) error {
	fd := int(os.Stdin.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	fmt.Fprint(out, screenOn)
	defer func() {
		fmt.Fprint(out, screenOff)
		_ = term.Restore(fd, old) // the terminal is the user's: nothing more can be done
	}()
	var drawn time.Time
	for ctx.Err() == nil {
		select {
		case <-m.running.Done():
			if !m.ended && m.running.Wait() != nil {
				m.ended = true
				return nil
			}
			m.ended = true
		default:
		}
		key, err := readKey(fd, keyWait)
		if err != nil || key != "" && m.press(key) {
			return err
		}
		if key != "" || !m.paused && time.Since(drawn) >= m.every {
			m.draw(out)
			drawn = time.Now()
		}
	}
	return nil
}

// press does what a key asks for.
func (m *live) press(key string) (leave bool) {
	switch key {
	case "q", "Q", "\x03", "\x04", "\x1b":
		return true
	case "+":
		m.every = max(m.every/2, 100*time.Millisecond)
	case "-":
		m.every = min(m.every*2, 10*time.Second)
	case "n", "N", "\x1b[6~", "\x1b[B":
		m.page, m.follow = m.page+1, false
	case "p", "P", "\x1b[5~", "\x1b[A":
		m.page, m.follow = max(m.page-1, 0), false
	case "l", "L", "\x1b[F", "\x1b[4~":
		m.follow = true
	case "g", "G", "\x1b[H", "\x1b[1~":
		m.page, m.follow = 0, false
	case " ":
		m.paused = !m.paused
	}
	return false
}

// draw writes the page over the last one.
func (m *live) draw(out io.Writer) {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || width < 10 || height < 8 {
		width, height = 80, 24
	}
	m.mu.Lock()
	rows := max(height-5, 1)
	pages := max((m.table.Len()+rows-1)/rows, 1)
	if m.follow || m.page >= pages {
		m.page = pages - 1
	}
	lines := m.table.Page(m.page*rows, rows, width)
	m.mu.Unlock()
	lines = append(lines, "", fmt.Sprintf("page %d of %d  %s", m.page+1, pages, m.status()),
		"Q quit   + - refresh   N P page   G first   L last   space hold")
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(runewidth.Truncate(l, width, "") + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, _ = io.WriteString(out, b.String())
}

func (m *live) status() string {
	t := session.Sum(m.running.Stats())
	state := "running"
	switch {
	case m.ended:
		state = "ended"
	case m.paused:
		state = "held"
	}
	took := time.Since(m.began).Seconds()
	return fmt.Sprintf("%s  %d rows read (%.0f/s)  %d changes  watermark %s", state, t.Read, float64(t.Read)/max(took, 0.001), t.Given, watermarkText(t.Watermark))
}
