package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"github.com/spf13/cobra"

	"weir/internal/render"
	"weir/internal/session"
)

// common are the flags of the commands that open a session.
type common struct {
	memory      *pacer // of the process; nil: nobody bounds it
	command     *cobra.Command
	parallelism int
	settings    []string
	vars        []string
	data        string
	aws         bool
	endpoint    string
	kinesisAddr string
}

func (f *common) bind(c *cobra.Command) {
	f.command = c
	c.Flags().IntVarP(&f.parallelism, "parallelism", "p", 0, "parallel instances of each operator (SET 'parallelism.default')")
	c.Flags().StringArrayVarP(&f.settings, "define", "D", nil, "a setting, `key=value`; again for more")
	c.Flags().StringArrayVarP(&f.vars, "var", "v", nil, "the value of ${NAME} in the script, `NAME=value`; again for more")
	c.Flags().StringVar(&f.data, "data", ".weir", "weir's data folder: embedded Kinesis server, catalog [WEIR_DATA]")
	c.Flags().BoolVar(&f.aws, "aws", false, "send Kinesis tables without an endpoint to AWS, not to the embedded server [WEIR_AWS=1]")
	c.Flags().StringVar(&f.endpoint, "endpoint", "", "endpoint of Kinesis tables that name none")
	c.Flags().StringVar(&f.kinesisAddr, "kinesis-addr", "", "address of the embedded Kinesis server, when this process starts it; default 127.0.0.1:4567, or a free port when that is taken")
}

// options makes the session's options. Flags win over the environment.
func (f *common) options() (session.Options, error) {
	o := session.Options{DataDir: f.data, AWS: f.aws, Endpoint: f.endpoint, KinesisAddr: f.kinesisAddr, Settings: map[string]string{}}
	if v := os.Getenv("WEIR_DATA"); v != "" && f.data == ".weir" {
		o.DataDir = v
	}
	if v := os.Getenv("WEIR_AWS"); v == "1" || v == "true" {
		o.AWS = true
	}
	for _, d := range f.settings {
		k, v, ok := strings.Cut(d, "=")
		if !ok {
			return o, usageError{fmt.Errorf("-D %s: want key=value", d)}
		}
		o.Settings[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	if f.command.Flags().Changed("parallelism") {
		if f.parallelism < 1 || f.parallelism > 1024 {
			return o, usageError{fmt.Errorf("-p %d: want a whole number from 1 to 1024", f.parallelism)}
		}
		o.Settings["parallelism.default"] = fmt.Sprint(f.parallelism)
	}
	if f.memory != nil {
		o.Reserve = f.memory.reserve
	}
	o.Warn = func(text string) { fmt.Fprintln(os.Stderr, "warning: "+text) }
	return o, checkSettings(o.Settings)
}

// checkSettings finds a wrong -D before anything is done.
func checkSettings(settings map[string]string) error {
	s, err := session.Open(session.Options{Ephemeral: true, Settings: settings})
	if err != nil {
		return usageError{fmt.Errorf("-D: %w", err)}
	}
	return s.Close()
}

// checkFormat finds a wrong -o before anything is done.
func checkFormat(format string) error {
	var names []string
	for _, f := range render.Formats() {
		if f[0] == format || format == "" {
			return nil
		}
		names = append(names, f[0])
	}
	return usageError{fmt.Errorf("-o %s: there is no such format; use one of %s", format, strings.Join(names, ", "))}
}

// variables are those of the environment, of -v, and DIR.
func (f *common) variables(dir string) (map[string]string, error) {
	vars := map[string]string{"DIR": dir}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	vars["DIR"] = dir
	for _, kv := range f.vars {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("-v %s: want NAME=value", kv)}
		}
		vars[k] = v
	}
	return vars, nil
}

func runCommand(p *pacer) *cobra.Command {
	f := common{memory: p}
	var format, profile string
	var stats bool
	c := &cobra.Command{
		Use:   "run FILE...",
		Short: "Run a script to its end, or until interrupted",
		Long: `Runs the statements of each script in order; - is standard input. A SELECT prints its rows, an INSERT runs
until its sources end. ${NAME} and ${NAME:-default} are replaced from -v and the environment, ${DIR} by
the script's folder. Tables are gone at the end. Exits 1 if a statement or a job fails.`,
		Example: "  weir run job.sql\n  weir run -p 2 -D table.local-time-zone=Europe/Berlin -v DATA=./data -o changelog query.sql",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if profile != "" {
				stop, err := startProfile(profile)
				if err != nil {
					return err
				}
				defer stop()
			}
			return runFiles(c.Context(), &f, files, format, stats)
		},
	}
	f.bind(c)
	c.Flags().StringVarP(&format, "output", "o", "tableau", "format of rows: changelog, json, csv, tsv, table, markdown, vertical, tableau, none")
	c.Flags().BoolVar(&stats, "stats", false, "print rows read and rows handed to the sink, as JSON, to standard error")
	c.Flags().StringVar(&profile, "cpu-profile", "", "write a CPU profile to this file")
	return c
}

func startProfile(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

func runFiles(ctx context.Context, f *common, files []string, format string, stats bool) error {
	opts, err := f.options()
	if err == nil {
		err = checkFormat(format)
	}
	if err != nil {
		return err
	}
	opts.Ephemeral = true
	for _, file := range files {
		if err := runFile(ctx, f, opts, file, format, stats); err != nil {
			return err
		}
	}
	return nil
}

func runFile(ctx context.Context, f *common, opts session.Options, file, format string, stats bool) error {
	text, err := readScript(file)
	if err != nil {
		return err
	}
	dir := "."
	if file != "-" {
		dir = filepath.Dir(file)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	vars, err := f.variables(dir)
	if err != nil {
		return err
	}
	if text, err = session.Substitute(text, vars); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	s, err := session.Open(opts)
	if err != nil {
		return err
	}
	r := &script{s: s, out: os.Stdout, errs: os.Stderr, format: format, quiet: true, stats: stats}
	err = r.run(ctx, file, text)
	if e := s.Close(); err == nil {
		err = e
	}
	return err
}
