package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"weir/connectors/kinesis/local"
)

func kinesisCommand() *cobra.Command {
	var addr, data, region string
	var verbose bool
	c := &cobra.Command{
		Use:   "kinesis",
		Short: "Run the embedded Kinesis server by itself",
		Long: `Runs the Kinesis-compatible server until interrupted. A record that was acknowledged is there after
a crash. Point any client at it with AWS_ENDPOINT_URL and dummy credentials.`,
		Example: `  weir kinesis
  weir kinesis --addr 127.0.0.1:4567 --data ./.weir
  AWS_ENDPOINT_URL=http://127.0.0.1:4567 aws kinesis list-streams`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelDebug
			}
			return serveKinesis(c.Context(), local.Options{
				Addr: addr, Dir: data, Region: region,
				Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
			})
		},
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:4567", "address to listen at")
	c.Flags().StringVar(&data, "data", ".weir", "data folder")
	c.Flags().StringVar(&region, "region", "us-east-1", "region named in ARNs")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "log each request")
	return c
}

func serveKinesis(ctx context.Context, o local.Options) error {
	server, err := local.Open(o)
	var busy *local.InUseError
	if errors.As(err, &busy) {
		return fmt.Errorf("%s is in use by process %d, whose server is at %s: use that one, or another --data", o.Dir, busy.PID, busy.URL)
	}
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return errors.Join(err, server.Close(context.Background()))
	}
	fmt.Fprintf(os.Stderr, "Kinesis at %s, data in %s. Interrupt to stop.\n", server.URL(), o.Dir)
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Close(last)
}
