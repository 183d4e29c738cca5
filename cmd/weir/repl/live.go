package repl

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/mattn/go-runewidth"

	"weir/internal/render"
	"weir/internal/session"
	"weir/sql/vec"
)

// live is the full-screen table of a running query: the rows of its changing table, kept up to date.
// Keys: Q leaves, + and - change how often it is drawn, N P L page, G first page, space holds still.
type live struct {
	res     *session.Result
	running *session.Running
	table   *render.Live
	mu      *sync.Mutex // guards table
	every   time.Duration
	page    int
	follow  bool
	paused  bool
	width   int
	height  int
	began   time.Time
	done    error
	ended   bool
	view    []string
}

type (
	tickMsg struct{}
	doneMsg struct{ err error }
)

func (p *prompt) live(ctx context.Context, res *session.Result) error {
	m := &live{res: res, mu: new(sync.Mutex), every: 500 * time.Millisecond, follow: true, began: time.Now(), width: 80, height: 24}
	m.table = render.NewLive(res.Schema, p.renderOptions(res))
	var err error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.running, err = res.Stream(ctx, func(b *vec.Batch) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.table.Write(b)
	})
	if err != nil {
		return err
	}
	screen := tea.NewProgram(m, tea.WithAltScreen(), tea.WithContext(ctx))
	go func() { screen.Send(doneMsg{m.running.Wait()}) }()
	_, err = screen.Run()
	m.running.Cancel()
	<-m.running.Done()
	if ctx.Err() != nil || err == tea.ErrInterrupted {
		err = nil
	}
	if m.done != nil && m.ended {
		return m.done
	}
	fmt.Fprintln(p.err, m.status())
	return err
}

// Init begins to draw.
func (m *live) Init() tea.Cmd { return m.tick() }

func (m *live) tick() tea.Cmd {
	return tea.Tick(m.every, func(time.Time) tea.Msg { return tickMsg{} })
}

// Update takes a key, a new size, a tick or the query's end.
func (m *live) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.draw()
	case tickMsg:
		if !m.paused {
			m.draw()
		}
		return m, m.tick()
	case doneMsg:
		m.done, m.ended = msg.err, true
		m.draw()
		if msg.err != nil {
			return m, tea.Quit
		}
	case tea.KeyMsg:
		return m, m.key(msg.String())
	}
	return m, nil
}

func (m *live) key(k string) tea.Cmd {
	switch strings.ToLower(k) {
	case "q", "ctrl+c", "esc", "ctrl+d":
		return tea.Quit
	case "+":
		m.every = max(m.every/2, 100*time.Millisecond)
	case "-":
		m.every = min(m.every*2, 10*time.Second)
	case "n", "pgdown", "down":
		m.page, m.follow = m.page+1, false
	case "p", "pgup", "up":
		m.page, m.follow = max(m.page-1, 0), false
	case "l", "end":
		m.follow = true
	case "g", "home":
		m.page, m.follow = 0, false
	case " ":
		m.paused = !m.paused
	}
	m.draw()
	return nil
}

// draw takes the page's rows out of the table.
func (m *live) draw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	per := max(m.height-5, 1)
	pages := (m.table.Len() + per - 1) / per
	if m.follow || m.page >= pages {
		m.page = max(pages-1, 0)
	}
	m.view = m.table.Page(m.page*per, per, m.width)
	m.view = append(m.view, "", fmt.Sprintf("page %d of %d  %s", m.page+1, max(pages, 1), m.status()),
		"Q quit   + - refresh   N P page   G first   L last   space hold")
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

// View is the screen.
func (m *live) View() string {
	lines := make([]string, len(m.view))
	for i, l := range m.view {
		lines[i] = runewidth.Truncate(l, max(m.width, 1), "")
	}
	return strings.Join(lines, "\n")
}
