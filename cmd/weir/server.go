package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"weir/connectors/ledger"
	"weir/exec/job"
	"weir/exec/state"
	"weir/internal/jobserver"
	"weir/internal/session"
)

const (
	// stopPatience is how long jobs may take for their last checkpoints when the server stops.
	stopPatience = 30 * time.Second
	stateCache   = 64 << 20
)

type serverFlags struct {
	common
	listen    string
	token     string
	hosts     []string
	logFormat string
	logLevel  string
}

func serverCommand(p *pacer) *cobra.Command {
	f := serverFlags{common: common{memory: p}}
	c := &cobra.Command{
		Use:   "server",
		Short: "Run jobs that survive: submit, stop, savepoints, restarts, metrics",
		Long: `Runs jobs until interrupted. Jobs, their checkpoints and the catalog are in the data folder: when the server
starts again, after whatever ended it, each job goes on from its newest checkpoint. It answers Flink's REST
API, so the flink command lists, savepoints, stops and cancels its jobs, an API of its own under /api/v1, and
Prometheus at /metrics. -D gives settings that jobs have unless they say otherwise.`,
		Example: `  weir server
  weir server --data /var/lib/weir --listen 127.0.0.1:8081 --log json
  weir jobs submit job.sql
  flink list -m 127.0.0.1:8081`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runServer(c.Context(), &f) },
	}
	f.bind(c)
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8081", "address to listen at; port 0 takes a free one")
	c.Flags().StringVar(&f.token, "token", "", "token that requests must have, as 'Authorization: Bearer TOKEN' [WEIR_TOKEN]")
	c.Flags().StringArrayVar(&f.hosts, "allow-host", nil, "a `name` that the server is called by, besides addresses and localhost; again for more")
	c.Flags().StringVar(&f.logFormat, "log", "text", "format of the log on standard error: text or json")
	c.Flags().StringVar(&f.logLevel, "log-level", "info", "what to log: debug, info, warn or error")
	return c
}

func (f *serverFlags) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %s: want debug, info, warn or error", f.logLevel)}
	}
	o := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, o)), nil
	}
	return nil, usageError{fmt.Errorf("--log %s: want text or json", f.logFormat)}
}

func runServer(ctx context.Context, f *serverFlags) error {
	opts, err := f.options()
	if err != nil {
		return err
	}
	log, err := f.logger()
	if err != nil {
		return err
	}
	if f.token == "" {
		f.token = os.Getenv("WEIR_TOKEN")
	}
	if opts.DataDir, err = filepath.Abs(opts.DataDir); err != nil {
		return err
	}
	opts.Logger = log
	opts.Warn = func(text string) { log.Warn(text) }
	// One session keeps the embedded Kinesis server, for all.
	host, err := session.Open(session.Options{DataDir: opts.DataDir, Ephemeral: true, AWS: opts.AWS, Endpoint: opts.Endpoint, KinesisAddr: opts.KinesisAddr, Logger: log})
	if err != nil {
		return err
	}
	defer host.Close()
	opts.Kinesis = host.LocalKinesis
	opts.Resources = state.NewResources(stateCache)
	defer opts.Resources.Close()
	opts.Ledger = ledger.Open(filepath.Join(opts.DataDir, "ledger"), time.Now)
	defer opts.Ledger.Flush()
	return f.serve(ctx, opts, log)
}

// serve listens, then takes the data folder: a client that finds the server may use it at once.
func (f *serverFlags) serve(ctx context.Context, opts session.Options, log *slog.Logger) error {
	defaults := opts.Settings
	open := func(p job.Program, at job.Place) (*job.Prepared, error) {
		p.Settings = over(defaults, p.Settings)
		return session.OpenJob(opts, p, at)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", f.listen, err)
	}
	defer listener.Close()
	m, err := job.Open(opts.DataDir, job.Options{Open: open, Clock: job.WallClock(), Logger: log})
	var busy *job.InUseError
	if errors.As(err, &busy) {
		return busy
	}
	if err != nil {
		return err
	}
	s := jobserver.New(jobserver.Options{Manager: m, Session: opts, Token: f.token, Hosts: f.hosts, Version: version, Logger: log, Now: time.Now})
	web := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	url := "http://" + listener.Addr().String()
	if err := m.Announce(url); err != nil {
		return errors.Join(err, m.Close(ctx))
	}
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() && f.token == "" {
		log.Warn("anybody who reaches this address may run SQL here: give the server a --token, or listen at 127.0.0.1", "address", url)
	}
	log.Info("server is running", "version", version, "url", url, "data", opts.DataDir, "jobs", len(m.Jobs()))
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = nil
	}
	s.Stopping()
	log.Info("server is stopping: jobs take a last checkpoint")
	last, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	err = errors.Join(err, m.Close(last))
	closing, done := context.WithTimeout(context.Background(), 2*time.Second)
	defer done()
	if web.Shutdown(closing) != nil {
		_ = web.Close() // requests that wait for jobs
	}
	return err
}

// over gives settings with others over them.
func over(defaults, settings map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range defaults {
		out[k] = v
	}
	for k, v := range settings {
		out[k] = v
	}
	return out
}
