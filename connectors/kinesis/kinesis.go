// Package kinesis reads and writes Amazon Kinesis data streams.
//
// Contract: the source polls each shard with its own reader, at most five times a second on AWS, and
// reads parents before children; a position is the sequence number of the last record read, so a
// restart neither loses nor repeats a record. Records of the Kinesis Producer Library are taken apart. The
// sink is at-least-once; records of a key stay in order while the service refuses none. Times are milliseconds UTC.
package kinesis

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/connectors"
	"weir/connectors/aws"
	"weir/connectors/format"
	"weir/connectors/option"
	"weir/sql/fn"
	"weir/sql/types"
)

// Connector declares the connector.
var Connector = connectors.Connector{
	Name: "kinesis",
	Doc: "Reads and writes Amazon Kinesis data streams. Without `aws.endpoint` it uses the embedded Kinesis server, unless the session goes to AWS (`--aws`). " +
		"Both generations of Flink's option names are taken. The source gives one watermark a shard, merged by minimum; the sink is at-least-once, " +
		"and takes its partition key from `PARTITIONED BY`, else at random.",
	Example: `CREATE TABLE sensor_data (
  sensor_id INTEGER,
  current_temperature DOUBLE,
  status VARCHAR(6),
  event_time TIMESTAMP(3),
  arrival TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) PARTITIONED BY (sensor_id) WITH (
  'connector' = 'kinesis',
  'stream' = 'my-input-stream',
  'aws.region' = 'us-east-1',
  'scan.stream.initpos' = 'LATEST',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
)`,
	New: func() connectors.Config { return new(config) },
}

// config is the options of one table.
type config struct {
	stream  string
	arn     string
	session aws.Session
	format  format.Config
	outage  time.Duration

	position    string
	fromText    string
	fromFormat  string
	from        time.Time // of fromText
	discovery   time.Duration
	maxRecords  int
	emptyWait   time.Duration
	readerType  string
	bounded     string
	boundMillis int64

	deaggregation string

	delimiter   string
	partitioner string
	batchSize   int
	maxInflight int
	bufferBytes int
	bufferMem   int64
	linger      time.Duration
	failOnError bool
}

// Options binds the options, by the names of Flink's connector 5.x with those of 4.x as aliases.
func (c *config) Options(o *option.Set) {
	o.String(&c.stream, "stream", "", "Name of the stream; an ARN is taken too.")
	o.String(&c.arn, "stream.arn", "", "ARN of the stream: `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`.")
	c.session.Options(o)
	format.Bind(o, &c.format, "format", "How records are read and written.").Must()
	o.Duration(&c.outage, "outage.timeout", time.Minute, "How long reads and writes that get no answer, or an error of the service that may pass, are tried again. "+
		"Then the job fails with the cause, and is started again as its restart strategy says. Throttling is waited out. `0 s`: for ever.")
	c.sourceOptions(o)
	c.sinkOptions(o)
}

func (c *config) sourceOptions(o *option.Set) {
	o.Enum(&c.position, "source.init.position", "LATEST", []string{"LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"},
		"Where to begin without a checkpoint: behind the newest record, at the oldest, or at `source.init.timestamp`.").Alias("scan.stream.initpos", "flink.stream.initpos")
	o.String(&c.fromText, "source.init.timestamp", "", "Where to begin, with AT_TIMESTAMP: `2021-05-19T11:20:00.000Z`, seconds or milliseconds since 1970, or in the form of `source.init.timestamp.format`.").Alias("scan.stream.initpos-timestamp")
	o.String(&c.fromFormat, "source.init.timestamp.format", defaultFormat, "Pattern of `source.init.timestamp`, as Java's SimpleDateFormat; usual forms are recognised without it.").Alias("scan.stream.initpos-timestamp-format")
	o.Duration(&c.discovery, "source.shard.discovery.interval", 10*time.Second, "How often new shards are looked for.").Alias("scan.shard.discovery.intervalmillis")
	o.Int(&c.maxRecords, "source.shard.get-records.max-record-count", 10000, "Records of one read at most.").Range(1, 10000).Alias("scan.shard.getrecords.maxrecordcount")
	o.Duration(&c.emptyWait, "source.reader.empty-records-fetch-interval", 250*time.Millisecond, "Pause after a read that brought nothing.").Alias("scan.shard.getrecords.intervalmillis")
	o.Enum(&c.readerType, "source.reader.type", "POLLING", []string{"POLLING", "EFO"}, "POLLING reads with GetRecords. EFO (enhanced fan-out) reads by polling for now.").Alias("scan.stream.recordpublisher")
	o.Enum(&c.bounded, "scan.bounded.mode", "unbounded", []string{"unbounded", "latest", "timestamp"},
		"Where reading ends: never, at the tip each shard has when it is reached, or at `scan.bounded.timestamp-millis`.")
	o.Int64(&c.boundMillis, "scan.bounded.timestamp-millis", 0, "Arrival time at which reading ends, milliseconds since 1970, with 'timestamp'.")
	o.Enum(&c.deaggregation, "source.deaggregation", "auto", []string{"auto", "off"}, "Whether records of the Kinesis Producer Library that hold several user records become a row of each.")
	for _, key := range []string{"source.shard-assigner", "scan.shard-assigner"} {
		o.Unused(key, "Shards are dealt to readers in turn.")
	}
	for _, key := range []string{"source.efo.consumer.name", "source.efo.lifecycle", "source.efo.subscription.timeout", "source.efo.deregister.timeout",
		"scan.stream.efo.consumername", "scan.stream.efo.registration", "scan.stream.efo.consumerarn"} {
		o.Unused(key, "Only of enhanced fan-out.")
	}
	o.Unused("source.efo.describe.retry-strategy.*", "Only of enhanced fan-out.")
	o.Unused("scan.shard.*", "Retries and pauses are the reader's own.")
}

func (c *config) sinkOptions(o *option.Set) {
	o.String(&c.partitioner, "sink.partitioner", "", "`random`: a key of its own for each record. `fixed`: one key for each parallel instance. Default: the `PARTITIONED BY` columns, else random.")
	o.String(&c.delimiter, "sink.partitioner-field-delimiter", "|", "Between the values of a partition key of several columns.")
	o.Int(&c.batchSize, "sink.batch.max-size", maxRequestRows, "Records of one request at most.").Range(1, maxRequestRows)
	o.Int(&c.maxInflight, "sink.requests.max-inflight", 16, "Requests under way at once.").Range(1, 1024)
	o.Unused("sink.requests.max-buffered", "Bounded by `sink.batch.max-size` and `sink.requests.max-inflight`.")
	o.Memory(&c.bufferMem, "sink.flush-buffer.size", maxRequestBytes, "Bytes of one request at most.")
	o.Duration(&c.linger, "sink.flush-buffer.timeout", 100*time.Millisecond, "How long a record waits for company. (Flink's default is 5 s.)")
	o.Bool(&c.failOnError, "sink.fail-on-error", false, "Fail at a record that the service refuses, instead of sending it again.")
	o.Unused("sink.producer.*", "Options of the Kinesis Producer Library.")
}

// check finishes the options that depend on each other.
func (c *config) check(zone *time.Location) error {
	if strings.HasPrefix(c.stream, "arn:") && c.arn == "" {
		c.arn, c.stream = c.stream, ""
	}
	if c.arn != "" && !strings.Contains(c.arn, ":stream/") {
		return fmt.Errorf("'stream.arn' = '%s' is no ARN of a stream: it should be as arn:aws:kinesis:us-east-1:123456789012:stream/NAME", c.arn)
	}
	if c.streamName() == "" {
		return errors.New("a kinesis table wants 'stream' = 'NAME' or 'stream.arn' = 'arn:aws:kinesis:...'")
	}
	if c.position == "AT_TIMESTAMP" {
		if err := c.parseFrom(zone); err != nil {
			return err
		}
	}
	if c.bounded == "timestamp" && c.boundMillis == 0 {
		return errors.New("'scan.bounded.mode' = 'timestamp' wants 'scan.bounded.timestamp-millis'")
	}
	c.bufferBytes = int(min(max(c.bufferMem, 1), maxRequestBytes))
	return nil
}

const defaultFormat = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"

// parseFrom reads source.init.timestamp: by its pattern first, as Flink does, then in the forms everyone knows.
func (c *config) parseFrom(zone *time.Location) error {
	if c.fromText == "" {
		return errors.New("'source.init.position' = 'AT_TIMESTAMP' wants 'source.init.timestamp'")
	}
	if zone == nil {
		zone = time.UTC
	}
	t, ok, err := fn.ParseInstant(c.fromFormat, c.fromText, zone)
	if err != nil {
		return fmt.Errorf("option \"source.init.timestamp.format\": %w", err)
	}
	if !ok {
		if t, err = option.ParseTimestamp(c.fromText); err != nil {
			return fmt.Errorf("option \"source.init.timestamp\": '%s' is neither in the form of '%s' nor a usual one: write it as '2024-05-01T12:00:00Z', or set 'source.init.timestamp.format'",
				c.fromText, c.fromFormat)
		}
	}
	c.from = t
	return nil
}

// Source makes the source of a scan.
func (c *config) Source(t *connectors.TableDesc, scan connectors.Scan, env *connectors.Env) (connectors.Source, error) {
	if err := c.check(env.Zone); err != nil {
		return nil, err
	}
	return &source{cfg: c, env: env, scan: scan, decode: func() (connectors.Decoder, error) {
		return c.format.Decoder(scan.Columns, t.Columns, env)
	}}, nil
}

// Metadata lists the metadata columns of a source.
func (c *config) Metadata() []connectors.MetadataKey {
	var keys []connectors.MetadataKey
	for _, m := range metadata {
		keys = append(keys, m.MetadataKey)
	}
	return keys
}

// SourceMode is the format's.
func (c *config) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	return c.format.Mode(), nil
}

// SinkMode is the format's.
func (c *config) SinkMode(_ *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	return c.format.SinkMode(requested), nil
}

// WritableMetadata lists none: records carry their columns only.
func (c *config) WritableMetadata() []connectors.MetadataKey { return nil }

// Sink makes the sink of one instance.
func (c *config) Sink(t *connectors.TableDesc, env *connectors.Env, instance, _ int) (connectors.Sink, error) {
	if err := c.check(env.Zone); err != nil {
		return nil, err
	}
	enc, err := c.format.Encoder(t.Columns, env)
	if err != nil {
		return nil, err
	}
	s := &sink{cfg: c, env: env, desc: t, enc: enc, Requests: connectors.NewRequests(c.maxInflight)}
	switch {
	case c.partitioner != "" && c.partitioner != "random" && c.partitioner != "fixed":
		return nil, fmt.Errorf("'sink.partitioner' = '%s' is neither 'random' nor 'fixed'; weir runs no Java classes: name the columns of the key in PARTITIONED BY", c.partitioner)
	case c.partitioner != "" && len(t.PartitionedBy) > 0:
		return nil, errors.New("'sink.partitioner' and PARTITIONED BY exclude each other: leave one of them out")
	case c.partitioner == "fixed":
		s.fixedKey = fmt.Sprint(instance)
	default:
		s.keyCols, err = keyColumns(t)
	}
	return s, err
}

var (
	_ connectors.Reads  = (*config)(nil)
	_ connectors.Writes = (*config)(nil)
)
