package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/exec/job"
	"weir/internal/jobserver"
	"weir/internal/render"
	"weir/internal/session"
)

// remote are the flags by which commands find a server.
type remote struct {
	server string
	token  string
	data   string
}

func (f *remote) bind(c *cobra.Command) {
	c.PersistentFlags().StringVar(&f.server, "server", "", "address of the server, http://HOST:PORT; default the one that owns the data folder, or 127.0.0.1:8081 [WEIR_SERVER]")
	c.PersistentFlags().StringVar(&f.token, "token", "", "the server's token [WEIR_TOKEN]")
	c.PersistentFlags().StringVar(&f.data, "data", ".weir", "data folder of the server [WEIR_DATA]")
}

// client finds the server: the one named, else the one that owns the data folder, else the usual address.
func (f *remote) client() (*jobserver.Client, error) {
	address, token := f.server, f.token
	if address == "" {
		address = os.Getenv("WEIR_SERVER")
	}
	if token == "" {
		token = os.Getenv("WEIR_TOKEN")
	}
	data := f.data
	if v := os.Getenv("WEIR_DATA"); v != "" && data == ".weir" {
		data = v
	}
	if address == "" {
		address = "http://127.0.0.1:8081"
		if owner, ok := job.FindOwner(data); ok && owner.URL != "" {
			address = owner.URL
		}
	}
	return jobserver.NewClient(address, token)
}

func jobsCommand() *cobra.Command {
	var f remote
	c := &cobra.Command{
		Use:   "jobs",
		Short: "List, submit and stop the jobs of a server",
		Long:  "Speaks to a running 'weir server'. An id may be cut short as long as one job alone begins with it.",
		Example: `  weir jobs submit job.sql
  weir jobs list
  weir jobs stop 3f2a --savepoint`,
	}
	f.bind(c)
	c.AddCommand(jobsList(&f), jobsShow(&f), jobsSubmit(&f), jobsStop(&f), jobsCancel(&f), jobsSavepoint(&f), jobsRestart(&f), jobsLogs(&f), jobsDiagnose(&f))
	for _, sub := range c.Commands() {
		usageChecked(sub)
	}
	return c
}

// usageChecked has a wrong number of arguments be a mistake in the command line.
func usageChecked(c *cobra.Command) {
	check := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{fmt.Errorf("%w\nSee '%s --help'", err, c.CommandPath())}
		}
		return nil
	}
}

func jobsList(f *remote) *cobra.Command {
	var format string
	var all bool
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List the jobs", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		client, err := f.client()
		if err != nil {
			return err
		}
		list, err := client.Jobs(c.Context())
		if err != nil {
			return err
		}
		var cells [][]string
		for _, j := range list {
			if !all && job.State(j.State).Ended() {
				continue
			}
			cells = append(cells, []string{j.ID, j.Name, j.State, j.Started.Local().Format(time.DateTime), fmt.Sprint(j.Restarts), firstLine(j.Error)})
		}
		return render.Cells(format, os.Stdout, []string{"job id", "name", "status", "started", "restarts", "error"}, cells)
	}}
	c.Flags().StringVarP(&format, "output", "o", "table", "format: table, json, csv, tsv, markdown, vertical")
	c.Flags().BoolVarP(&all, "all", "a", false, "ended jobs too")
	return c
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func jobsShow(f *remote) *cobra.Command {
	var format string
	c := &cobra.Command{Use: "show ID", Short: "Show a job: state, checkpoints, failures, statement", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		client, err := f.client()
		if err != nil {
			return err
		}
		d, err := client.Details(c.Context(), args[0])
		if err != nil {
			return err
		}
		if format == "json" {
			data, err := json.MarshalIndent(d, "", "  ")
			fmt.Println(string(data))
			return err
		}
		showJob(d)
		return nil
	}}
	c.Flags().StringVarP(&format, "output", "o", "text", "format: text or json")
	return c
}

func showJob(d jobserver.Details) {
	line := func(name, value string) {
		if value != "" {
			fmt.Printf("%-16s %s\n", name, value)
		}
	}
	line("job", d.ID)
	line("name", d.Name)
	line("status", d.State)
	line("started", d.Started.Local().Format(time.DateTime))
	if !d.Ended.IsZero() {
		line("ended", d.Ended.Local().Format(time.DateTime))
	}
	line("restart strategy", d.Strategy)
	line("restarts", fmt.Sprint(d.Restarts))
	line("rows", fmt.Sprintf("%d read, %d written, %d late, %d records rejected", d.RowsIn, d.RowsOut, d.LateRows, d.Rejected))
	line("last checkpoint", d.Checkpoint)
	line("last savepoint", d.Savepoint)
	for _, r := range d.References {
		line("reference table", r.Text(time.Now()))
	}
	line("error", d.Error)
	for _, x := range d.Failures {
		what := "gave up"
		if x.Restart {
			what = "restarted after " + x.Delay.Round(time.Millisecond).String()
		}
		fmt.Printf("%-16s %s attempt %d: %s (%s)\n", "failure", x.Time.Local().Format(time.DateTime), x.Attempt, firstLine(x.Error), what)
	}
	fmt.Printf("\n%s\n", d.Statement)
}

func jobsSubmit(f *remote) *cobra.Command {
	var settings, vars []string
	var wait bool
	var from string
	c := &cobra.Command{
		Use:   "submit FILE",
		Short: "Run a script at the server; its INSERTs become jobs",
		Long: `Sends a script to the server; - is standard input. Tables it makes are in the server's catalog, each INSERT or
statement set becomes a job. ${NAME} is replaced from -v and the environment, ${DIR} by the script's folder.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			if from != "" {
				settings = append(settings, "execution.state-recovery.path="+from)
			}
			return submit(c.Context(), client, args[0], settings, vars, wait)
		},
	}
	c.Flags().StringArrayVarP(&settings, "define", "D", nil, "a setting, `key=value`; again for more")
	c.Flags().StringArrayVarP(&vars, "var", "v", nil, "the value of ${NAME} in the script, `NAME=value`; again for more")
	c.Flags().StringVarP(&from, "from-savepoint", "s", "", "go on from this savepoint or checkpoint")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the jobs have ended; 1 if one failed")
	return c
}

func submit(ctx context.Context, client *jobserver.Client, file string, settings, vars []string, wait bool) error {
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
	values, err := (&common{vars: vars}).variables(dir)
	if err != nil {
		return err
	}
	if text, err = session.Substitute(text, values); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	set := map[string]string{}
	for _, d := range settings {
		k, v, ok := strings.Cut(d, "=")
		if !ok {
			return usageError{fmt.Errorf("-D %s: want key=value", d)}
		}
		set[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	out, err := client.SubmitSQL(ctx, text, set)
	for _, w := range out.Warnings {
		fmt.Fprintln(os.Stderr, "warning: "+w)
	}
	for _, j := range out.Jobs {
		fmt.Printf("Job %s (%s) is %s.\n", j.ID, j.Name, j.State)
	}
	if err != nil {
		return err
	}
	if len(out.Jobs) == 0 {
		fmt.Println("The script started no job.")
	}
	for _, j := range out.Jobs {
		if wait {
			if err := client.Wait(ctx, j.ID); err != nil {
				return err
			}
			fmt.Printf("Job %s has ended.\n", j.ID)
		}
	}
	return nil
}

func jobsStop(f *remote) *cobra.Command {
	var how jobserver.StopRequest
	c := &cobra.Command{Use: "stop ID", Short: "Stop a job, with or without a savepoint", Args: cobra.ExactArgs(1),
		Long: "Stops a job behind a savepoint (--savepoint, --drain), or as it is. With --drain, windows fire first, as if the input had ended: do not resume from it.",
		RunE: func(c *cobra.Command, args []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			how.Savepoint = how.Savepoint || how.Directory != "" || how.Drain
			path, err := client.StopTo(c.Context(), args[0], how)
			if err != nil {
				return err
			}
			if path != "" {
				fmt.Println("Savepoint completed. Path: " + path)
				return nil
			}
			fmt.Println("Job " + args[0] + " has been stopped.")
			return nil
		}}
	c.Flags().BoolVar(&how.Savepoint, "savepoint", false, "take a savepoint")
	c.Flags().StringVarP(&how.Directory, "savepoint-dir", "p", "", "folder of the savepoint")
	c.Flags().BoolVarP(&how.Drain, "drain", "d", false, "let windows fire first")
	return c
}

// one makes a command that does one thing to a job.
func one(f *remote, use, short string, do func(ctx context.Context, client *jobserver.Client, id string) (string, error)) *cobra.Command {
	return &cobra.Command{Use: use + " ID", Short: short, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		client, err := f.client()
		if err != nil {
			return err
		}
		text, err := do(c.Context(), client, args[0])
		if err == nil {
			fmt.Println(text)
		}
		return err
	}}
}

func jobsCancel(f *remote) *cobra.Command {
	return one(f, "cancel", "End a job as it is", func(ctx context.Context, client *jobserver.Client, id string) (string, error) {
		_, err := client.Stop(ctx, id, false, false)
		return "Job " + id + " has been canceled.", err
	})
}

func jobsSavepoint(f *remote) *cobra.Command {
	var dir string
	c := one(f, "savepoint", "Take a savepoint of a running job", func(ctx context.Context, client *jobserver.Client, id string) (string, error) {
		path, err := client.Savepoint(ctx, id, dir)
		return "Savepoint completed. Path: " + path, err
	})
	c.Flags().StringVarP(&dir, "dir", "p", "", "folder of the savepoint; default: where the job's settings say")
	return c
}

func jobsRestart(f *remote) *cobra.Command {
	return one(f, "restart", "Have an ended job go on from its newest checkpoint", func(ctx context.Context, client *jobserver.Client, id string) (string, error) {
		j, err := client.Restart(ctx, id)
		return fmt.Sprintf("Job %s is %s.", j.ID, j.State), err
	})
}

func jobsDiagnose(f *remote) *cobra.Command {
	return one(f, "diagnose", "Say what a job waits for", func(ctx context.Context, client *jobserver.Client, id string) (string, error) {
		lines, err := client.Diagnose(ctx, id)
		return strings.Join(lines, "\n"), err
	})
}

func jobsLogs(f *remote) *cobra.Command {
	var follow bool
	c := &cobra.Command{Use: "logs ID", Short: "Print a job's log", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		client, err := f.client()
		if err != nil {
			return err
		}
		next := int64(0)
		for {
			out, err := client.Logs(c.Context(), args[0], next)
			if err != nil {
				return err
			}
			for _, l := range out.Lines {
				fmt.Printf("%s %-5s %s %s\n", l.Time.Local().Format("2006-01-02 15:04:05.000"), l.Level, l.Message, l.Fields)
			}
			if next = out.Next; !follow {
				return nil
			}
			select {
			case <-c.Context().Done():
				return nil
			case <-time.After(time.Second):
			}
		}
	}}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on printing")
	return c
}
