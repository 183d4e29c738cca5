//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"weir/connectors/kinesis"
)

// streams URL NAME:SHARDS... makes streams.
func streams(ts *testscript.TestScript, _ bool, args []string) {
	admin, err := kinesis.NewAdmin(context.Background(), args[0])
	ts.Check(err)
	for _, a := range args[1:] {
		name, shards, _ := strings.Cut(a, ":")
		n, err := strconv.Atoi(shards)
		ts.Check(err)
		ts.Check(admin.EnsureStream(context.Background(), name, n))
	}
}

// record URL STREAM TEXT... puts records.
func record(ts *testscript.TestScript, _ bool, args []string) {
	admin, err := kinesis.NewAdmin(context.Background(), args[0])
	ts.Check(err)
	for _, text := range args[2:] {
		ts.Check(admin.Put(context.Background(), args[1], "k", []byte(text)))
	}
}

// process is a weir that runs beside the test.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines chan string
	errs  strings.Builder
	mu    sync.Mutex
}

// start runs weir in a folder, with a script as its standard input.
func start(t testing.TB, dir, script string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command("weir", args...), lines: make(chan string, 10_000)}
	p.cmd.Dir, p.cmd.Stdin = dir, strings.NewReader(script)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
		close(p.lines)
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// Write takes standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.errs.Write(b)
}

// line waits for a line that holds the text.
func (p *process) line(text string, limit time.Duration) {
	p.t.Helper()
	deadline := time.After(limit)
	for {
		select {
		case l, ok := <-p.lines:
			if strings.Contains(l, text) {
				return
			}
			if !ok {
				p.t.Fatalf("weir ended before %q; it said:\n%s", text, p.stderr())
			}
		case <-deadline:
			p.t.Fatalf("no line with %q within %s; weir said:\n%s", text, limit, p.stderr())
		}
	}
}

func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.errs.String()
}

// interrupt sends Ctrl-C, and checks that weir ends soon, with the code.
func (p *process) interrupt(code int) {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != code || time.Since(began) > 3*time.Second {
		p.t.Errorf("after Ctrl-C weir ended with %d (want %d) in %s; it said:\n%s", got, code, time.Since(began), p.stderr())
	}
}

const listen = `CREATE TABLE s (v STRING) WITH ('connector'='kinesis', 'stream'='s', 'format'='json');
SELECT v FROM s;`

// Two processes on a data folder share the embedded server. When the one that runs it ends, the other takes
// over, and loses nothing.
func TestTakeOver(t *testing.T) {
	dir := t.TempDir()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	owner := start(t, dir, "", "kinesis", "--addr", "127.0.0.1:"+port)
	url := "http://127.0.0.1:" + port
	var admin *kinesis.Admin
	waitFor(t, func() error {
		admin, err = kinesis.NewAdmin(context.Background(), url)
		if err != nil {
			return err
		}
		return admin.EnsureStream(context.Background(), "s", 1)
	})
	first := start(t, dir, listen, "run", "-o", "json", "-")
	second := start(t, dir, listen, "run", "-o", "json", "-")
	put := func(url, v string) error {
		admin, err := kinesis.NewAdmin(context.Background(), url)
		if err != nil {
			return err
		}
		return admin.Put(context.Background(), "s", "k", fmt.Appendf(nil, `{"v":%q}`, v))
	}
	waitFor(t, func() error { // until both hold their positions
		if err := put(url, "warm"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
		if len(first.lines) == 0 || len(second.lines) == 0 {
			return fmt.Errorf("no row yet: %s%s", first.stderr(), second.stderr())
		}
		return nil
	})
	for i := range 20 {
		if err := put(url, fmt.Sprint("a", i)); err != nil {
			t.Fatal(err)
		}
	}
	owner.interrupt(0)
	waitFor(t, func() error {
		url, err = ownerOf(dir)
		if err != nil {
			return err
		}
		return put(url, "b")
	})
	for _, p := range []*process{first, second} {
		for i := range 20 {
			p.line(fmt.Sprintf(`"a%d"`, i), 5*time.Second)
		}
		p.line(`"b"`, 15*time.Second)
	}
	first.interrupt(130)
	waitFor(t, func() error {
		url, err = ownerOf(dir)
		if err != nil {
			return err
		}
		return put(url, "c")
	})
	second.line(`"c"`, 15*time.Second)
	second.interrupt(130)
}

// ownerOf reads which server the data folder's lock file names.
func ownerOf(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, ".weir", "weir.lock"))
	if err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(string(text), "http://")
	if !ok {
		return "", fmt.Errorf("nobody owns the folder: %q", text)
	}
	return "http://" + strings.FieldsFunc(rest, func(r rune) bool { return !strings.ContainsRune("0123456789.:", r) })[0], nil
}

func waitFor(t testing.TB, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// Starting is quick and small. The figures are of an idle machine; the best of some runs counts.
func TestStartIsQuickAndSmall(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is read from /proc")
	}
	best := time.Hour
	for range 10 {
		began := time.Now()
		if out, err := exec.Command("weir", "sql", "--ephemeral", "-c", "VALUES (1)").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		best = min(best, time.Since(began))
	}
	t.Logf("VALUES (1): %s", best)
	if best > 100*time.Millisecond {
		t.Errorf("VALUES (1) takes %s", best)
	}
	own, file := idlePrompt(t)
	t.Logf("idle prompt: %d MB, and %d MB of its program's file", own>>20, file>>20)
	if own > 16<<20 {
		t.Errorf("an idle prompt holds %d MB", own>>20)
	}
}

// idlePrompt starts a prompt at a terminal and gives its memory once it is idle: its own, and pages of the program's
// file, of which the kernel maps as many as it likes, shared by all who run it.
func idlePrompt(t *testing.T) (own, file int64) {
	t.Helper()
	tty, cmd := prompt(t)
	tty.read("weir")
	time.Sleep(300 * time.Millisecond)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, resident, shared int64 // pages
	if _, err := fmt.Sscan(string(text), &size, &resident, &shared); err != nil {
		t.Fatal(err)
	}
	page := int64(os.Getpagesize())
	return (resident - shared) * page, shared * page
}

// Ctrl-C ends the query that runs, and the prompt goes on.
func TestCtrlCInPrompt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the terminal is made by /dev/ptmx")
	}
	tty, cmd := prompt(t)
	tty.read(">")
	tty.write("CREATE TABLE g (i BIGINT) WITH ('connector'='datagen','rows-per-second'='10'); SELECT i FROM g;\r")
	tty.read("+I")
	tty.write("\x03")
	time.Sleep(200 * time.Millisecond)
	tty.write("SELECT 40 + 2 AS answer;\r")
	tty.read("42")
	tty.write("\\q\r")
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("\\q does not leave")
	}
}

// terminal is the test's side of a terminal.
type terminal struct {
	t *testing.T
	*os.File
	seen chan string
	text string
}

// prompt runs weir sql at a terminal.
func prompt(t *testing.T) (*terminal, *exec.Cmd) {
	t.Helper()
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { ptmx.Close() })
	name, err := slave(ptmx)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	pts, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	defer pts.Close()
	cmd := exec.Command("weir", "sql", "--no-color", "-o", "tableau")
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pts, pts, pts
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	tty := &terminal{t: t, File: ptmx, seen: make(chan string, 1000)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := ptmx.Read(buf)
			if err != nil {
				return
			}
			tty.seen <- string(buf[:n])
		}
	}()
	return tty, cmd
}

// read waits until the text has been printed since the last read.
func (p *terminal) read(text string) {
	p.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		if _, rest, ok := strings.Cut(p.text, text); ok {
			p.text = rest
			return
		}
		select {
		case s := <-p.seen:
			p.text += s
		case <-deadline:
			p.t.Fatalf("the terminal never showed %q; it shows:\n%s", text, p.text)
		}
	}
}

func (p *terminal) write(text string) {
	p.t.Helper()
	if _, err := p.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}
