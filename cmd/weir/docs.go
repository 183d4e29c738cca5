package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"weir/connectors/all"
	"weir/internal/session"
	"weir/sql"
	"weir/sql/fn"
)

func functionsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "functions [NAME]",
		Short:   "List the functions, or document one",
		Example: "  weir functions\n  weir functions DATE_FORMAT",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				for _, n := range session.FunctionNames() {
					fmt.Fprintln(c.OutOrStdout(), n)
				}
				return nil
			}
			text, ok := session.FunctionDoc(args[0])
			if !ok {
				if near := fn.Nearest(args[0]); near != "" {
					return fmt.Errorf("there is no function %q; did you mean %q?", args[0], near)
				}
				return fmt.Errorf("there is no function %q", args[0])
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), text)
			return err
		},
	}
}

func connectorsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "connectors [NAME]",
		Short:   "List the connectors, or document one with its options",
		Example: "  weir connectors\n  weir connectors kinesis",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return onePart(c.OutOrStdout(), session.ConnectorsPage(), args[0])
			}
			for _, con := range all.List() {
				first, _, _ := strings.Cut(con.Doc, ". ")
				fmt.Fprintf(c.OutOrStdout(), "%-12s %s\n", con.Name, strings.TrimSuffix(first, "."))
			}
			return nil
		},
	}
}

// onePart prints one heading's part of a page.
func onePart(out io.Writer, page, name string) error {
	_, rest, ok := strings.Cut(page, "\n## "+strings.ToLower(name)+"\n")
	if !ok {
		var names []string
		for _, line := range strings.Split(page, "\n") {
			if n, ok := strings.CutPrefix(line, "## "); ok {
				names = append(names, n)
			}
		}
		if near := sql.Nearest(name, names); near != "" {
			return fmt.Errorf("there is no connector or format %q; did you mean %s?", name, near)
		}
		return fmt.Errorf("there is no connector or format %q: weir connectors lists them", name)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	rest, _, _ = strings.Cut(rest, "\n# ")
	_, err := fmt.Fprintln(out, strings.TrimSpace(rest))
	return err
}

func settingsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "List the settings",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, s := range session.Settings() {
				fmt.Fprintf(c.OutOrStdout(), "%s = '%s'\n    %s\n", s.Name, s.Default, s.Doc)
			}
			return nil
		},
	}
}

func docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "docs FOLDER",
		Short:  "Write the generated pages: functions, connectors, settings",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for name, text := range map[string]string{
				"functions.md": session.FunctionsPage(), "connectors.md": session.ConnectorsPage(), "settings.md": session.SettingsPage(),
			} {
				if err := os.WriteFile(filepath.Join(args[0], name), []byte(text), 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
