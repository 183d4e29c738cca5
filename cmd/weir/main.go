// Command weir is a streaming SQL engine for Amazon Kinesis: one file a subcommand.
//
// Contract: data goes to standard output, messages and logs to standard error. Exit codes: 0 done,
// 1 a statement or a job failed, 2 the command line is wrong, 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	_ "time/tzdata" // zones work on machines without a zone database

	"github.com/spf13/cobra"
)

// exitCode is an error that says nothing more than the code: what there was to say has been printed.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	p := newPacer()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for what the first one ends
	err := rootCommand(p).ExecuteContext(ctx)
	stop()
	runtime.KeepAlive(p)
	os.Exit(report(err))
}

// report prints an error and gives the exit code.
func report(err error) int {
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, context.Canceled):
		return 130
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command "):
		fmt.Fprintln(os.Stderr, "weir: "+err.Error())
		return 2
	}
	fmt.Fprintln(os.Stderr, "weir: "+err.Error())
	return 1
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func rootCommand(p *pacer) *cobra.Command {
	root := &cobra.Command{
		Use:   "weir",
		Short: "Streaming SQL for Amazon Kinesis, in Apache Flink's dialect",
		Long: `weir asks windowed questions of Amazon Kinesis streams in Apache Flink's SQL dialect, from a
prompt, a script or a long-running job. It is local by default: a durable Kinesis-compatible server
is embedded, so nothing else is needed to begin:

  weir demo        the whole round: a stream, a generator, a window query, an output stream
  weir sql         a prompt`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\nSee '%s --help'", err, c.CommandPath())}
	})
	root.AddCommand(demoCommand(), sqlCommand(p), runCommand(p), serverCommand(p), jobsCommand(), testCommand(), kinesisCommand(), streamsCommand(),
		explainCommand(), parseCommand(), functionsCommand(), connectorsCommand(), settingsCommand(), docsCommand(), versionCommand())
	for _, c := range root.Commands() {
		if c.Args != nil {
			usageChecked(c)
		}
	}
	return root
}
