package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"weir/connectors/kinesis/local"
)

// streamsClient is what the commands of weir streams share.
type streamsClient struct {
	local.Client
	data string
}

func streamsCommand() *cobra.Command {
	s := &streamsClient{}
	c := &cobra.Command{
		Use:   "streams",
		Short: "See, make, fill and read Kinesis streams",
		Long: `A client of Kinesis streams. It finds the server by itself: --endpoint, AWS_ENDPOINT_URL_KINESIS or
AWS_ENDPOINT_URL, else the server of the data folder, else the one at its usual address.`,
		Example: `  weir streams create orders --shards 2
  echo '{"id": 1}' | weir streams put orders --key a
  weir streams tail orders --from trim
  weir streams split orders 0`,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			s.Endpoint = cmp.Or(s.Endpoint, os.Getenv("AWS_ENDPOINT_URL_KINESIS"), os.Getenv("AWS_ENDPOINT_URL"), local.OwnerURL(s.data), "http://"+local.DefaultAddr)
			return nil
		},
		Args: cobra.NoArgs, // else a command that does not exist would be answered with help, and no error
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().StringVar(&s.Endpoint, "endpoint", "", "URL of the Kinesis API")
	c.PersistentFlags().StringVar(&s.Region, "region", "", "region to sign for (default AWS_REGION or us-east-1)")
	c.PersistentFlags().StringVar(&s.data, "data", ".weir", "data folder whose server is meant")
	c.AddCommand(s.listCommand(), s.createCommand(), s.deleteCommand(), s.describeCommand(), s.splitCommand(), s.mergeCommand(), s.putCommand(), s.tailCommand())
	for _, sub := range c.Commands() {
		usageChecked(sub)
	}
	return c
}

// call adds to an unreachable server how to get one.
func (s *streamsClient) call(ctx context.Context, operation string, request, response any) error {
	err := s.Call(ctx, operation, request, response)
	var api *local.APIError
	if err == nil || errors.As(err, &api) || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("no Kinesis at %s: start one with 'weir kinesis', or name it with --endpoint (%w)", s.Endpoint, err)
}

type named struct {
	StreamName string
}

// The parts of answers which the commands show.
type (
	streamSummary struct {
		StreamName, StreamARN, StreamStatus string
		StreamModeDetails                   struct{ StreamMode string }
		StreamCreationTimestamp             float64
		RetentionPeriodHours                int
		EncryptionType                      string
		OpenShardCount, MaxRecordSizeInKiB  int
	}
	shardInfo struct {
		ShardId, ParentShardId, AdjacentParentShardId string
		HashKeyRange                                  struct{ StartingHashKey, EndingHashKey string }
		SequenceNumberRange                           struct{ StartingSequenceNumber, EndingSequenceNumber string }
	}
)

func (s *streamsClient) listCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the streams", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "STREAM\tSTATUS\tMODE\tSHARDS\tKEPT\tCREATED")
			request := map[string]any{}
			for more := true; more; {
				var page struct {
					StreamNames    []string
					HasMoreStreams bool
					NextToken      string
				}
				if err := s.call(c.Context(), "ListStreams", request, &page); err != nil {
					return err
				}
				for _, name := range page.StreamNames {
					d, err := s.summary(c.Context(), name)
					var api *local.APIError
					if errors.As(err, &api) && api.Code == "ResourceNotFoundException" {
						continue // deleted meanwhile
					}
					if err != nil {
						return err
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d h\t%s\n", name, d.StreamStatus, d.StreamModeDetails.StreamMode, d.OpenShardCount, d.RetentionPeriodHours, secondsText(d.StreamCreationTimestamp))
				}
				more, request = page.HasMoreStreams, map[string]any{"NextToken": page.NextToken}
			}
			return w.Flush()
		}}
}

func secondsText(seconds float64) string {
	return time.UnixMilli(int64(seconds * 1000)).UTC().Format("2006-01-02 15:04:05")
}

func (s *streamsClient) summary(ctx context.Context, name string) (streamSummary, error) {
	var reply struct{ StreamDescriptionSummary streamSummary }
	err := s.call(ctx, "DescribeStreamSummary", named{name}, &reply)
	return reply.StreamDescriptionSummary, err
}

func (s *streamsClient) shards(ctx context.Context, name string) ([]shardInfo, error) {
	var all []shardInfo
	request := map[string]any{"StreamName": name}
	for {
		var page struct {
			Shards    []shardInfo
			NextToken string
		}
		if err := s.call(ctx, "ListShards", request, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Shards...)
		if page.NextToken == "" {
			return all, nil
		}
		request = map[string]any{"NextToken": page.NextToken}
	}
}

func (s *streamsClient) createCommand() *cobra.Command {
	var shards, hours int
	var onDemand bool
	c := &cobra.Command{Use: "create STREAM", Short: "Create a stream and wait until it is ready", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			request := map[string]any{"StreamName": args[0], "ShardCount": shards}
			if onDemand {
				delete(request, "ShardCount")
				request["StreamModeDetails"] = map[string]string{"StreamMode": "ON_DEMAND"}
			}
			if err := s.call(c.Context(), "CreateStream", request, nil); err != nil {
				return err
			}
			if err := s.active(c.Context(), args[0]); err != nil || hours <= 24 {
				return err
			}
			return s.change(c.Context(), args[0], "IncreaseStreamRetentionPeriod", map[string]any{"StreamName": args[0], "RetentionPeriodHours": hours})
		}}
	c.Flags().IntVar(&shards, "shards", 1, "number of shards")
	c.Flags().BoolVar(&onDemand, "on-demand", false, "on-demand mode: the service sets the shards")
	c.Flags().IntVar(&hours, "retention", 24, "hours for which records are kept")
	return c
}

func (s *streamsClient) deleteCommand() *cobra.Command {
	return &cobra.Command{Use: "delete STREAM", Short: "Delete a stream with its records and consumers", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.call(c.Context(), "DeleteStream", map[string]any{"StreamName": args[0], "EnforceConsumerDeletion": true}, nil)
		}}
}

// change runs an operation after which the stream is UPDATING for a while, and waits for its end.
func (s *streamsClient) change(ctx context.Context, stream, operation string, request any) error {
	if err := s.call(ctx, operation, request, nil); err != nil {
		return err
	}
	return s.active(ctx, stream)
}

func (s *streamsClient) active(ctx context.Context, stream string) error {
	for {
		d, err := s.summary(ctx, stream)
		if err != nil || d.StreamStatus == "ACTIVE" {
			return err
		}
		if err := sleepFor(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleepFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *streamsClient) describeCommand() *cobra.Command {
	return &cobra.Command{Use: "describe STREAM", Short: "Show a stream with its shards and consumers", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return s.describe(c.Context(), c.OutOrStdout(), args[0]) }}
}

func (s *streamsClient) describe(ctx context.Context, out io.Writer, name string) error {
	d, err := s.summary(ctx, name)
	if err != nil {
		return err
	}
	shards, err := s.shards(ctx, name)
	if err != nil {
		return err
	}
	var consumers struct {
		Consumers []struct{ ConsumerName, ConsumerStatus, ConsumerARN string }
	}
	if err := s.call(ctx, "ListStreamConsumers", map[string]string{"StreamARN": d.StreamARN}, &consumers); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "stream\t%s\narn\t%s\nstatus\t%s\nmode\t%s\nkept\t%d h\nencryption\t%s\nlargest record\t%d KiB\ncreated\t%s\n", d.StreamName, d.StreamARN, d.StreamStatus,
		d.StreamModeDetails.StreamMode, d.RetentionPeriodHours, d.EncryptionType, d.MaxRecordSizeInKiB, secondsText(d.StreamCreationTimestamp))
	w.Flush()
	fmt.Fprintln(w, "\nSHARD\tSTATE\tPARENTS\tFIRST HASH KEY\tLAST HASH KEY")
	for _, sh := range shards {
		state := "open"
		if sh.SequenceNumberRange.EndingSequenceNumber != "" {
			state = "closed"
		}
		parents := strings.TrimSpace(shardNumber(sh.ParentShardId) + " " + shardNumber(sh.AdjacentParentShardId))
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", shardNumber(sh.ShardId), state, parents, sh.HashKeyRange.StartingHashKey, sh.HashKeyRange.EndingHashKey)
	}
	if len(consumers.Consumers) > 0 {
		w.Flush()
		fmt.Fprintln(w, "\nCONSUMER\tSTATUS\tARN")
		for _, c := range consumers.Consumers {
			fmt.Fprintf(w, "%s\t%s\t%s\n", c.ConsumerName, c.ConsumerStatus, c.ConsumerARN)
		}
	}
	return w.Flush()
}

// shardNumber is a shard id as people say it.
func shardNumber(id string) string {
	if n, err := strconv.Atoi(strings.TrimPrefix(id, "shardId-")); err == nil {
		return strconv.Itoa(n)
	}
	return id
}

// shardID is the id of what shardNumber gives; ids are taken as they are.
func shardID(number string) string {
	if n, err := strconv.Atoi(number); err == nil && n >= 0 {
		return fmt.Sprintf("shardId-%012d", n)
	}
	return number
}

func (s *streamsClient) splitCommand() *cobra.Command {
	var at string
	c := &cobra.Command{Use: "split STREAM SHARD", Short: "Split a shard in two", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			id := shardID(args[1])
			if at == "" {
				shards, err := s.shards(c.Context(), args[0])
				if err != nil {
					return err
				}
				if at = middle(shards, id); at == "" {
					return fmt.Errorf("stream %q has no shard %q: see 'weir streams describe %s'", args[0], args[1], args[0])
				}
			}
			if err := s.change(c.Context(), args[0], "SplitShard", map[string]string{"StreamName": args[0], "ShardToSplit": id, "NewStartingHashKey": at}); err != nil {
				return err
			}
			return s.describe(c.Context(), c.OutOrStdout(), args[0])
		}}
	c.Flags().StringVar(&at, "at", "", "first hash key of the upper half (default the middle)")
	return c
}

// middle is the hash key which halves a shard, empty when there is no such shard.
func middle(shards []shardInfo, id string) string {
	for _, sh := range shards {
		first, ok1 := new(big.Int).SetString(sh.HashKeyRange.StartingHashKey, 10)
		last, ok2 := new(big.Int).SetString(sh.HashKeyRange.EndingHashKey, 10)
		if sh.ShardId == id && ok1 && ok2 {
			sum := first.Add(first, last)
			return sum.Add(sum, big.NewInt(1)).Rsh(sum, 1).String()
		}
	}
	return ""
}

func (s *streamsClient) mergeCommand() *cobra.Command {
	return &cobra.Command{Use: "merge STREAM SHARD ADJACENT-SHARD", Short: "Merge two adjacent shards", Args: cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			request := map[string]string{"StreamName": args[0], "ShardToMerge": shardID(args[1]), "AdjacentShardToMerge": shardID(args[2])}
			if err := s.change(c.Context(), args[0], "MergeShards", request); err != nil {
				return err
			}
			return s.describe(c.Context(), c.OutOrStdout(), args[0])
		}}
}
