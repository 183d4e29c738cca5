// Package dynamodb looks rows up in tables of Amazon DynamoDB, and writes to them.
//
// Contract: a lookup is asked by several goroutines at once, and shares one client; what it asks for is bounded by the
// engine, an answer by the options. A sink belongs to one goroutine and is at-least-once: a key is put or deleted as a
// whole, so that doing it again changes nothing; changes of a key stay in order, and of those in one request only the
// last is sent. Throttled requests are sent again until they are taken, or the context ends. Sizes are bytes.
package dynamodb

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/connectors"
	"weir/connectors/aws"
	"weir/connectors/option"
	"weir/sql/types"
)

// Connector declares the connector.
var Connector = connectors.Connector{
	Name: "dynamodb",
	Doc: "Looks rows up in an Amazon DynamoDB table by its key, for lookup joins, and writes to one. A lookup joins on the partition key, and on the sort key where " +
		"there is one and a single item is wanted; other equalities filter the answer. The sink puts and deletes items by `PRIMARY KEY`, at-least-once; " +
		"of several changes of a key that wait, the last is sent. A throttled table slows the job. " +
		"Texts, dates and times are `S` (times as ISO 8601), numbers `N`, `BYTES` `B`, `ARRAY` and `MULTISET` `L`, `MAP` and `ROW` `M`, `NULL` `NULL`; a lookup takes the sets `SS`, `NS`, `BS` as arrays too.",
	Example: `CREATE TABLE leaderboard (
  race_id STRING,
  racer_id BIGINT,
  output DOUBLE,
  updated TIMESTAMP_LTZ(3),
  PRIMARY KEY (race_id, racer_id) NOT ENFORCED
) WITH (
  'connector' = 'dynamodb',
  'table-name' = 'leaderboard',
  'aws.region' = 'us-east-1'
)`,
	New: func() connectors.Config { return new(config) },
}

// config is the options of one table.
type config struct {
	table   string
	session aws.Session

	consistent bool
	maxRows    int

	batchSize   int
	maxInflight int
	bufferMem   int64
	linger      time.Duration
	holdFor     time.Duration
	holdRows    int
	ignoreNulls bool
	failOnError bool
}

// Options binds the options, by the names of Flink's connector.
func (c *config) Options(o *option.Set) {
	o.String(&c.table, "table-name", "", "Name of the DynamoDB table, or its ARN.").Must()
	c.session.Options(o)
	o.Bool(&c.consistent, "lookup.consistent-read", false, "Read what was last written, at twice the cost; else an answer may be a moment old.")
	o.Int(&c.maxRows, "lookup.max-rows-per-key", 10000, "Items that one key may find where only the partition key is given; more are an error.").Range(1, 1e6)
	o.Int(&c.batchSize, "sink.batch.max-size", maxRequestItems, "Items of one request at most.").Range(1, maxRequestItems)
	o.Int(&c.maxInflight, "sink.requests.max-inflight", 16, "Requests under way at once. (Flink's default is 50.)").Range(1, 1024)
	o.Unused("sink.requests.max-buffered", "Bounded by `sink.batch.max-size` and `sink.requests.max-inflight`.")
	o.Memory(&c.bufferMem, "sink.flush-buffer.size", maxRequestBytes, "Bytes of one request at most.")
	o.Duration(&c.linger, "sink.flush-buffer.timeout", 100*time.Millisecond, "How long an item waits for company, and for a later change that takes its place. (Flink's default is 5 s.)")
	o.Duration(&c.holdFor, "sink.buffer-flush.interval", 0, "Hold changes back for so long, so that a key that changes often is written once in this time: its last change. 0 holds nothing back. Checkpoints do not wait for it.")
	o.Int(&c.holdRows, "sink.buffer-flush.max-rows", 10000, "Keys that are held back at most, with `sink.buffer-flush.interval`; so are 64 MiB.").Range(1, 1e6)
	o.Bool(&c.ignoreNulls, "sink.ignore-nulls", false, "Leave attributes that are NULL out of items, instead of writing `NULL`.")
	o.Bool(&c.failOnError, "sink.fail-on-error", false, "Fail at a request that the service refuses for now, instead of sending it again.")
	o.Unused("sink.http-client.max-concurrency", "Bounded by `sink.requests.max-inflight`.")
	o.Unused("sink.http-client.read-timeout", "Requests time out by themselves.")
}

// SinkMode implements connectors.Writes: changes by key, as in Flink.
func (c *config) SinkMode(t *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	if requested.Has(types.Delete) && len(t.PrimaryKey) == 0 {
		return 0, fmt.Errorf("table %q has no PRIMARY KEY to delete rows by: declare the key of DynamoDB table %q as PRIMARY KEY (...) NOT ENFORCED", t.Name, c.table)
	}
	return types.UpsertMode, nil
}

// Metadata lists none: an item is the columns.
func (c *config) Metadata() []connectors.MetadataKey { return nil }

// WritableMetadata lists none: an item is the columns.
func (c *config) WritableMetadata() []connectors.MetadataKey { return nil }

// Sink makes the sink of one instance.
func (c *config) Sink(t *connectors.TableDesc, env *connectors.Env, _, _ int) (connectors.Sink, error) {
	if err := c.check(t); err != nil {
		return nil, err
	}
	return &sink{cfg: c, env: env, desc: t, Requests: connectors.NewRequests(c.maxInflight), index: map[string]int{}}, nil
}

// Lookup implements connectors.LooksUp.
func (c *config) Lookup(t *connectors.TableDesc, scan connectors.LookupScan, env *connectors.Env) (connectors.Lookup, error) {
	if err := c.check(t); err != nil {
		return nil, err
	}
	if len(scan.Metadata) > 0 {
		return nil, fmt.Errorf("table %q has no metadata columns", t.Name)
	}
	l := &lookup{cfg: c, env: env, name: t.Name, scan: scan, gate: make(chan struct{}, 1)}
	if len(t.PrimaryKey) == 0 {
		return l, nil // the service knows it
	}
	if at := scan.Keys.Index(t.PrimaryKey[0]); at < 0 {
		return nil, needsKey(t.PrimaryKey)
	}
	l.declared = newLookupPlan(scan, unknownTypes(t.PrimaryKey))
	return l, nil
}

func needsKey(key []string) error {
	rest := ""
	if len(key) > 1 {
		rest = fmt.Sprintf(", and on its sort key %q if one row is wanted", key[1])
	}
	return fmt.Errorf("items are looked up by the partition key: join on %q%s", key[0], rest)
}

// unknownTypes is a key as a DDL declares it.
func unknownTypes(names []string) tableKey {
	k := tableKey{names: names}
	for range names {
		k.types = append(k.types, "")
	}
	return k
}

// check finds what options and declarations cannot mean.
func (c *config) check(t *connectors.TableDesc) error {
	if c.table == "" {
		return errors.New("a dynamodb table wants 'table-name' = 'NAME'")
	}
	if len(t.PrimaryKey) > 2 {
		return fmt.Errorf("PRIMARY KEY of %s has %d columns: a DynamoDB table has a partition key, and maybe a sort key", t.Name, len(t.PrimaryKey))
	}
	for _, name := range slices.Concat(t.PrimaryKey, t.PartitionedBy) {
		at := t.Columns.Index(name)
		if at < 0 {
			return fmt.Errorf("key column %q is not a physical column of %s", name, t.Name)
		}
		if scalarOf(t.Columns[at].Type) == "" {
			return fmt.Errorf("column %q of %s is %s, which cannot be in a key: DynamoDB's keys are texts, numbers or bytes", name, t.Name, t.Columns[at].Type)
		}
	}
	return nil
}

var (
	_ connectors.LooksUp = (*config)(nil)
	_ connectors.Writes  = (*config)(nil)
)
