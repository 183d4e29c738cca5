package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/connectors/kinesis/local"
)

// kinesisFlags are the flags of weir kinesis.
type kinesisFlags struct {
	local.Options
	credentials string
	memory      bool
	verbose     bool
}

func kinesisCommand() *cobra.Command {
	f := &kinesisFlags{}
	c := &cobra.Command{
		Use:   "kinesis",
		Short: "Run the embedded Kinesis server by itself",
		Long: `Runs the Kinesis-compatible server until interrupted. A record that was acknowledged is there after
a crash. One port takes HTTP and TLS, HTTP/1.1 and HTTP/2, JSON and CBOR, so point any client at it.
A page with streams, shards and last records is at /, Prometheus metrics are at /metrics.

Any signature is good unless --credentials names a file with one "ACCESS_KEY SECRET_KEY" a line.`,
		Example: `  weir kinesis
  weir kinesis --memory --addr 127.0.0.1:0
  weir kinesis --enforce-limits --iterator-ttl 5s --transition 500ms
  AWS_ENDPOINT_URL=http://127.0.0.1:4567 aws kinesis list-streams`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			options, err := f.options()
			if err != nil {
				return err
			}
			return serveKinesis(c.Context(), options)
		},
	}
	c.Flags().StringVar(&f.Addr, "addr", "127.0.0.1:4567", "address to listen at; others than loopback want --credentials")
	c.Flags().StringVar(&f.Dir, "data", ".weir", "data folder")
	c.Flags().BoolVar(&f.memory, "memory", false, "keep nothing on disk")
	c.Flags().BoolVar(&f.NoSync, "no-sync", false, "acknowledge before the disk has it: faster, and a crash may lose the last records")
	c.Flags().StringVar(&f.Region, "region", "us-east-1", "region named in ARNs")
	c.Flags().StringVar(&f.AccountID, "account", "000000000000", "account named in ARNs")
	c.Flags().BoolVar(&f.EnforceLimits, "enforce-limits", false, "throttle shards as the service does: 1 MB/s and 1000 records/s in, 5 reads/s and 2 MB/s out")
	c.Flags().DurationVar(&f.TokenTTL, "iterator-ttl", 5*time.Minute, "how long shard iterators are good")
	c.Flags().DurationVar(&f.TransitionDelay, "transition", 0, "how long streams stay CREATING, UPDATING or DELETING")
	c.Flags().IntVar(&f.ShardLimit, "shard-limit", local.DefaultShardLimit, "open shards of all streams together")
	c.Flags().StringVar(&f.credentials, "credentials", "", "file of access keys and secret keys; requests must be signed with one of them")
	c.Flags().StringSliceVar(&f.Hosts, "allow-host", nil, "name by which clients may call the server, besides localhost and addresses")
	c.Flags().StringVar(&f.CertFile, "tls-cert", "", "certificate in PEM; default: one of its own in the data folder")
	c.Flags().StringVar(&f.KeyFile, "tls-key", "", "key of --tls-cert in PEM")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log what the server does")
	return c
}

func (f *kinesisFlags) options() (local.Options, error) {
	o := f.Options
	if f.memory {
		o.Dir = ""
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return o, usageError{errors.New("--tls-cert and --tls-key go together")}
	}
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelDebug
	}
	o.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	if f.credentials == "" {
		return o, nil
	}
	file, err := os.Open(f.credentials)
	if err != nil {
		return o, fmt.Errorf("--credentials: %w", err)
	}
	defer file.Close()
	o.Credentials, err = readCredentials(file)
	if err != nil {
		return o, fmt.Errorf("--credentials %q: %w", f.credentials, err)
	}
	return o, nil
}

// readCredentials reads pairs of keys, one a line. Its errors name lines, never what stands there.
func readCredentials(r io.Reader) (map[string]string, error) {
	keys := map[string]string{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d must be an access key and its secret key, with a space between", n)
		}
		keys[fields[0]] = fields[1]
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in it: write an access key and its secret key, with a space between")
	}
	return keys, nil
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
	greet(os.Stderr, o, server)
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Close(last)
}

// greet says where the server is and how clients find it.
func greet(w io.Writer, o local.Options, server *local.Server) {
	where := "data in " + o.Dir
	if o.Dir == "" {
		where = "data in memory"
	}
	key, secret := "x", "x"
	if len(o.Credentials) > 0 {
		key, secret = "...", "..."
	}
	fmt.Fprintf(w, "Kinesis at %s, %s. Interrupt to stop.\n", server.URL(), where)
	fmt.Fprintf(w, "  any AWS SDK, the AWS CLI  AWS_ENDPOINT_URL_KINESIS=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_REGION=%s\n", server.URL(), key, secret, o.Region)
	if file := server.CertFile(); file != "" {
		if abs, err := filepath.Abs(file); err == nil {
			file = abs
		}
		fmt.Fprintf(w, "  with TLS                  %s, AWS_CA_BUNDLE=%s\n", server.TLSURL(), file)
	}
	if len(o.Credentials) == 0 {
		fmt.Fprintf(w, "  look and try              %s/, weir streams list\n", server.URL())
	}
}
