// Package golden runs .test files: SQL, input, and what must come of it, in one readable text.
//
// A file is blocks, separated by blank lines. Lines that begin with # between blocks are comments. A
// block is a command with its arguments, its input, a line ----, and the result that is expected:
//
//	# A late row is dropped once the watermark has passed its window.
//	sql
//	CREATE TABLE bids (ts TIMESTAMP(3), price BIGINT, WATERMARK FOR ts AS ts) WITH ('connector' = 'memory');
//	----
//
//	feed bids csv
//	2024-01-01 00:00:10,5
//	2024-01-01 00:01:30,7
//	2024-01-01 00:00:20,9
//	----
//
//	query
//	SELECT window_start, SUM(price) AS total FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end
//	----
//	kind  window_start             total
//	+I    2024-01-01 00:00:00.000  5
//	+I    2024-01-01 00:01:00.000  7
//
// The commands that say what is there:
//
//	sql                   any statements; SHOW and DESCRIBE expect their tables, INSERT runs to its end
//	feed TABLE [csv|json] rows for a table of the connector 'memory', a record a line; a kind (+I -U +U -D)
//	                      and a blank may go before it. In CSV an unquoted NULL is NULL. Default: json
//	file NAME             writes a file, for statements that read '${DIR}/NAME'
//	output NAME           expects the lines of all files below ${DIR}/NAME, sorted
//
// The commands that ask:
//
//	query                 one query; expects its changelog in order: kind, then the columns
//	query sorted          expects the changelog in any order, written sorted
//	query final           expects the table that the changelog amounts to, written sorted
//	query turns           expects the changelog in order, of inputs that race but are read in turns: runs at one instance
//	explain               one statement; expects its plan (blank lines left out)
//
// What happens to a job goes between the feeds. Each query or INSERT behind lives through it: what was fed before is worked off, then
// it happens, then come the rows that were fed after it. Where the job restarts, a query's changes are compared by `query final` or `sorted`.
// They have no input, and nothing is expected of them:
//
//	crash                 the job dies and goes on from its last checkpoint
//	restore [N]           a checkpoint, and the job goes on from it with N instances, or as many as it had
//	advance TIME          the clock moves on: a number and ms, s, min, h or d, as in 10 min. Timers fire on the way
//	reshard TABLE [N]     the splits of a table end, and N new ones (2) take the rows that are fed from then on, in turn
//	throttle TABLE [N]    reads of a table give N rows (1) at most, and every second one nothing
//
// Any command may expect `error: ...` instead: the text of the error, as users see it. The argument
// `todo` marks a block whose expectation is right but not met yet: it must fail, and -rewrite leaves it alone.
//
// Values are spelled as CAST(... AS STRING) does, columns stand two blanks apart; NULL is NULL. A text
// that is empty, that is NULL, or has blanks at an end or two in a row is quoted as in Go. ${DIR} is an
// empty folder of the file's own.
//
// Each query runs many times: simulated or on goroutines, with 1 or 3 instances, in batches of 1, 3 or
// 4096 rows, with state in memory or in Pebble, without a crash, with one after each checkpoint, or with faults: checkpoints
// are on a disk that is full or dies in the middle of a write or in an object store that fails, sources are throttled, break off
// and reshard, restarts change the parallelism. With a story (crash, advance ...), all runs are simulated. The
// changelog must be the one expected wherever one instance runs without crashing, batch size or not;
// elsewhere the table must be the same, DOUBLE to 1e-9. By default the runs cover each pair of choices;
// with Full, all are made. What a failure prints replays it.
//
// Contract: files are independent of each other and may run at the same time; a file runs in one
// goroutine. Nothing outside a temporary folder is written, but by Options.Rewrite.
package golden

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"weir/connectors/memory"
	"weir/exec/lab"
)

// Options say how files are run.
type Options struct {
	// Rewrite replaces what is expected by what comes.
	Rewrite bool
	// Full makes every run of the matrix.
	Full bool
	// Seed of the simulated runs.
	Seed uint64
	// Line, if not 0, runs only the query of that line (with the commands before it that are no queries).
	Line int
	// Only, if set, is the one run to make besides the first.
	Only *Run
	// Faulty, if not 0, makes that many runs over faults of each query, instead of the matrix.
	Faulty int
	// Timeout bounds a single run; 0: 20 s.
	Timeout time.Duration
	// Logf, if set, is told of each run.
	Logf func(format string, args ...any)
}

// Report is what came of a file.
type Report struct {
	Path     string
	Blocks   int // commands run
	Queries  int
	Runs     int // of queries
	Todo     int // blocks that are known to fail
	Failures []string
	Changed  bool // rewritten
	// Of the runs: how many were over faults, and what they saw.
	Faulty, Crashes, Restores, Checkpoints int
	// Kinds counts the faulty runs of queries with each kind of operator.
	Kinds map[string]int
}

// Find lists the .test files below the paths, sorted. A path that is a file is taken as it is.
func Find(paths ...string) ([]string, error) {
	var out []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, p)
			continue
		}
		err = filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && path != p && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
				return filepath.SkipDir
			case !d.IsDir() && strings.HasSuffix(d.Name(), ".test") && isText(path):
				out = append(out, path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	sort.Strings(out)
	return out, nil
}

// isText tells .test files from the binaries that `go test -c` leaves.
func isText(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [512]byte
	n, _ := f.Read(head[:])
	return bytes.IndexByte(head[:n], 0) < 0
}

// RunFile runs a file. The error is of the file itself; what did not come as expected is in the report.
func RunFile(ctx context.Context, path string, o Options) (*Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := parse(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	dir, err := os.MkdirTemp("", "weir-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &runner{ctx: ctx, opts: o, report: &Report{Path: path}, dir: dir, faults: &lab.Faults{}, tables: map[*memory.Table]bool{}}
	if r.opts.Timeout == 0 {
		r.opts.Timeout = 20 * time.Second
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	for _, b := range f.blocks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.block(b)
	}
	if err := r.s.Close(); err != nil {
		return nil, err
	}
	if text := f.text(); o.Rewrite && text != string(data) {
		r.report.Changed = true
		return r.report, os.WriteFile(path, []byte(text), 0o666)
	}
	return r.report, nil
}
