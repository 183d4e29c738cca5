package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/golden"
)

// testFlags are the flags of `weir test`.
type testFlags struct {
	golden.Options
	run        golden.Run
	goroutines bool
	parallel   int
	verbose    bool
}

func testCommand() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test PATH...",
		Short: "Run .test files: SQL, input, and the rows that must come",
		Long: `Runs .test files, and those below folders. Each query runs many times: simulated and on goroutines, with 1 and 3
instances, in batches of several sizes, with state in memory and on disk, with crashes and faults; all runs must
agree.
FILE:LINE runs one query of a file; what a failure prints replays it. Flags take one dash or two.`,
		Example: "  weir test tests/\n  weir test -rewrite tests/late.test\n  weir test -seed 7 -parallel 3 -batch 1 -crash tests/late.test:22",
		// Flags of one dash, as failures print them, are taken too.
		DisableFlagParsing: true,
	}
	fl := c.Flags()
	fl.BoolVar(&f.Rewrite, "rewrite", false, "replace what the files expect by what comes; read it before you keep it")
	fl.BoolVar(&f.Full, "full", false, "make every run, not only as many as cover each pair of choices")
	fl.Uint64Var(&f.Seed, "seed", 0, "seed of the simulated runs; 0: another one each time")
	fl.IntVar(&f.parallel, "parallel", 0, "make one run, with this many instances")
	fl.IntVar(&f.run.Batch, "batch", 4096, "of the one run: rows in a batch at most")
	fl.BoolVar(&f.goroutines, "goroutines", false, "make one run, not simulated")
	fl.BoolVar(&f.run.Pebble, "pebble", false, "of the one run: state on disk")
	fl.BoolVar(&f.run.Crash, "crash", false, "of the one run: crash after each checkpoint")
	fl.BoolVar(&f.run.Faults, "faults", false, "of the one run: crashes, restarts, disks and sources that fail, as the seed has it")
	fl.IntVar(&f.Faulty, "faulty", 0, "make that many runs over faults of each query, instead of the others")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "print each run")
	fl.DurationVar(&f.Timeout, "timeout", 20*time.Second, "how long one run may take")
	fl.BoolP("help", "h", false, "help for test")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := fl.Parse(doubleDashes(args)); err != nil {
			return usageError{fmt.Errorf("%w\nSee '%s --help'", err, c.CommandPath())}
		}
		if help, _ := fl.GetBool("help"); help {
			return c.Help()
		}
		if fl.NArg() == 0 {
			return usageError{fmt.Errorf("name the .test files, or folders of them, to run\nSee '%s --help'", c.CommandPath())}
		}
		return f.test(c.Context(), c.OutOrStdout(), fl.Args())
	}
	return c
}

// doubleDashes makes -flag of more than one letter --flag.
func doubleDashes(args []string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		if a == "--" {
			break
		}
		if name, _, _ := strings.Cut(a, "="); len(name) > 2 && name[0] == '-' && name[1] != '-' {
			out[i] = "-" + a
		}
	}
	return out
}

// test runs the files one after the other, so that what they print stays in order.
func (f *testFlags) test(ctx context.Context, out io.Writer, args []string) error {
	if f.Seed == 0 {
		f.Seed = uint64(time.Now().UnixNano() % 1_000_000)
	}
	if f.parallel > 0 || f.goroutines {
		f.run.Seed, f.run.Parallel, f.run.Goroutines = f.Seed, max(f.parallel, 1), f.goroutines
		f.Only = &f.run
	}
	if f.verbose {
		f.Logf = func(format string, args ...any) { fmt.Fprintf(out, "  "+format+"\n", args...) }
	}
	failed := false
	for _, arg := range args {
		path, line := splitLine(arg)
		files, err := golden.Find(path)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("there are no .test files below %q", path)
		}
		f.Line = line
		for _, file := range files {
			began := time.Now()
			r, err := golden.RunFile(ctx, file, f.Options)
			if err != nil && ctx.Err() == nil {
				fmt.Fprintf(out, "FAIL  %s\n", err)
				failed = true
				continue
			} else if err != nil {
				return err
			}
			printReport(out, r, time.Since(began))
			failed = failed || len(r.Failures) > 0
		}
	}
	if failed {
		return exitCode(1)
	}
	return nil
}

// printReport prints a file's line, and below it what went wrong.
func printReport(out io.Writer, r *golden.Report, took time.Duration) {
	state := "ok  "
	if len(r.Failures) > 0 {
		state = "FAIL"
	}
	fmt.Fprintf(out, "%s  %s  %d blocks, %d queries in %d runs, %s", state, r.Path, r.Blocks, r.Queries, r.Runs, took.Round(time.Millisecond))
	if r.Todo > 0 {
		fmt.Fprintf(out, ", %d todo", r.Todo)
	}
	if r.Changed {
		fmt.Fprint(out, ", rewritten")
	}
	fmt.Fprintln(out)
	for _, failure := range r.Failures {
		fmt.Fprintln(out, failure)
	}
}

// splitLine takes FILE:LINE apart; the line is 0 where there is none.
func splitLine(arg string) (path string, line int) {
	if i := strings.LastIndexByte(arg, ':'); i > 0 {
		if n, err := strconv.Atoi(arg[i+1:]); err == nil && n > 0 {
			return arg[:i], n
		}
	}
	return arg, 0
}
