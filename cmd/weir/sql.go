package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"weir/cmd/weir/repl"
	"weir/internal/session"
)

func sqlCommand(p *pacer) *cobra.Command {
	f := common{memory: p}
	var commands []string
	var file, format string
	var ephemeral, noColor bool
	var server remote
	c := &cobra.Command{
		Use:   "sql",
		Short: "A prompt; or statements from -c, -f or standard input",
		Long: `Opens a prompt. Tables, views and databases are kept in the data folder, so they are there the next time.
With -c, with -f, or when standard input is no terminal, it runs the statements and ends: 0 when all
succeeded, 1 at the first that failed.`,
		Example: `  weir sql
  weir sql -c "VALUES (1)"
  weir sql -o json -f query.sql
  echo "SHOW TABLES" | weir sql`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			opts, err := f.options()
			if err == nil {
				err = checkFormat(format)
			}
			if err != nil {
				return err
			}
			opts.Ephemeral = ephemeral
			if server.server != "" {
				server.data = opts.DataDir
				client, err := server.client()
				if err != nil {
					return err
				}
				if err := client.Ping(c.Context()); err != nil {
					return err
				}
				opts.Jobs = client
			}
			s, err := session.Open(opts)
			if err != nil {
				return err
			}
			err = runSQL(c.Context(), s, opts, &f, commands, file, format, noColor)
			return errors.Join(err, s.Close())
		},
	}
	f.bind(c)
	c.Flags().StringVar(&server.server, "server", "", "address of a 'weir server' that runs what INSERT starts, http://HOST:PORT; SHOW JOBS and STOP JOB are about its jobs")
	c.Flags().StringVar(&server.token, "token", "", "the server's token [WEIR_TOKEN]")
	c.Flags().StringArrayVarP(&commands, "command", "c", nil, "run these statements, and end; again for more")
	c.Flags().StringVarP(&file, "file", "f", "", "run this script, and end")
	c.Flags().StringVarP(&format, "output", "o", "", "format of rows: changelog, json, csv, tsv, table, markdown, vertical, tableau, none")
	c.Flags().BoolVar(&ephemeral, "ephemeral", false, "keep no tables: neither load nor save the catalog")
	c.Flags().BoolVar(&noColor, "no-color", os.Getenv("NO_COLOR") != "", "no colours [NO_COLOR]")
	return c
}

func runSQL(ctx context.Context, s *session.Session, o session.Options, f *common, commands []string, file, format string, noColor bool) error {
	var texts []string
	switch {
	case len(commands) > 0:
		texts = commands
	case file != "":
		text, err := readScript(file)
		if err != nil {
			return err
		}
		texts = []string{text}
	case !isTerminal(os.Stdin):
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		texts = []string{string(text)}
	default:
		// Ctrl-C ends a query (the prompt sees to it) or empties the line; it never ends the prompt.
		interrupts := make(chan os.Signal, 1)
		signal.Notify(interrupts, os.Interrupt)
		defer signal.Stop(interrupts)
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		return repl.Run(ctx, repl.Options{Session: s, DataDir: o.DataDir, Format: format, NoColor: noColor || !isTerminal(os.Stdout),
			Banner: banner(o), Out: os.Stdout, Err: os.Stderr})
	}
	vars, err := f.variables(".")
	if err != nil {
		return err
	}
	if format == "" {
		format = "table"
	}
	// Without a prompt nobody could stop a job that stays behind: an INSERT is waited for.
	r := &script{s: s, out: os.Stdout, errs: os.Stderr, format: format, quiet: len(commands) > 0, background: o.Jobs != nil}
	for _, text := range texts {
		if text, err = session.Substitute(text, vars); err != nil {
			return err
		}
		if err := r.run(ctx, file, text); err != nil {
			return err
		}
	}
	return nil
}

// banner says where the session's streams are.
func banner(o session.Options) string {
	where := fmt.Sprintf("Kinesis is embedded, its data is in %s (--aws goes to AWS).", o.DataDir)
	switch {
	case o.Endpoint != "":
		where = "Kinesis is at " + o.Endpoint + "."
	case o.AWS:
		where = "Kinesis is AWS's."
	}
	return "weir " + version + ". " + where + "\nStatements end with a semicolon. \\? helps, \\q leaves.\n"
}
