// Package connectors says what a connector is: sources, sinks and lookups behind tables, and the
// formats that decode and encode their records. A connector knows no plan and no operator.
//
// Contract: a Table is made per CREATE TABLE and per query; a Reader and a Sink are each used by one
// goroutine; readers of different splits run at the same time. Everything takes a context and
// returns soon after it is cancelled. Offsets and tokens are opaque bytes that go into checkpoints:
// they never hold secrets. Errors name the split (shard, file) and position.
package connectors

import (
	"context"
	"log/slog"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Connector declares a connector: its name, documentation and how to make a table of it.
type Connector struct {
	Name string // as in 'connector' = '...'
	Doc  string // full sentences; Markdown
	// Example is a whole CREATE TABLE for the docs and for templates.
	Example string
	// New gives an empty configuration, whose Options binds the options.
	New func() Config
}

// Config is a connector's options, and what they make. A Config that can be read also implements
// Reads; one that can be written, Writes.
type Config interface {
	// Options binds every option of the connector: name, type, default, doc and target in one line.
	Options(*option.Set)
}

// Reads is a Config that makes sources.
type Reads interface {
	Config
	// Source is called at planning, once the options are decoded. It may check, not connect.
	Source(t *TableDesc, scan Scan, env *Env) (Source, error)
	// Metadata lists the metadata columns that a source of this table offers.
	Metadata() []MetadataKey
	// ChangelogMode is what the source emits (its format decides).
	SourceMode(t *TableDesc) (types.ChangelogMode, error)
}

// Writes is a Config that makes sinks.
type Writes interface {
	Config
	// SinkMode says which row kinds the sink takes when the query would emit requested. The planner
	// fails with a remedy if the query needs more.
	SinkMode(t *TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error)
	// Sink makes the sink of one parallel instance.
	Sink(t *TableDesc, env *Env, instance, parallelism int) (Sink, error)
	// WritableMetadata lists the metadata columns a sink of this table takes.
	WritableMetadata() []MetadataKey
}

// MetadataKey is a metadata column a connector offers.
type MetadataKey struct {
	Key  string
	Type types.Type
	Doc  string
}

// TableDesc is a table as its DDL declared it, resolved.
type TableDesc struct {
	Name          string       // fully qualified, for messages
	Columns       types.Schema // physical columns, in order, without metadata and computed columns
	Metadata      []MetadataColumn
	PrimaryKey    []string
	PartitionedBy []string
	Options       map[string]string // all options, for formats; connectors use their bound targets
}

// MetadataColumn is a declared metadata column.
type MetadataColumn struct {
	Name    string
	Key     string
	Type    types.Type // as declared; the planner casts from the connector's type
	Virtual bool
}

// Env is what a connector may use of its surroundings.
type Env struct {
	Now    func() time.Time // the processing clock; virtual in simulation
	Random func() uint64    // seeded in simulation
	Logger *slog.Logger
	Zone   *time.Location    // table.local-time-zone
	Stdout func(line []byte) // where 'print' writes a whole line with its line feed; safe for concurrent use
	JobID  string
	// Operator is the name in the job's plan of the sink that is made: a job may have several over one table.
	Operator string
	DataDir  string // weir's own data folder (".weir")
	// LocalKinesis gives the endpoint of the embedded Kinesis server, started or found at the first
	// call; nil when the session talks to AWS or another endpoint.
	LocalKinesis func(context.Context) (endpoint string, err error)
	// S3Endpoint is the URL of the object store behind s3:// for tables that name none (s3.endpoint); "": AWS's.
	S3Endpoint string
	// Warn tells the user something that does not stop the query, once a text.
	Warn func(text string)
	// Recorder stands between lookups and those who ask them; nil: nothing does.
	Recorder Recorder
	// Calls gives the meter of what an endpoint is asked for a table; nil: nobody counts.
	Calls func(table, endpoint string) *Meter
}

// Meter gives the meter of what an endpoint is asked for a table. endpoint is shown: it holds no secret.
func (e *Env) Meter(table, endpoint string) *Meter {
	if e.Calls == nil {
		return nil
	}
	return e.Calls(table, endpoint)
}

// Scan is what a query wants of a source: plain data. A source may take each part or leave it; it
// says what it took in Pushed.
type Scan struct {
	// Columns are the wanted physical columns, in order; a ROW column may be pruned to wanted fields.
	Columns types.Schema
	// Metadata are the wanted metadata keys; they follow Columns in what the source emits.
	Metadata []string
	// Limit > 0: no more rows than this are needed, of each reader.
	Limit int64
}

// Source lists splits (shards, files); each is read by one Reader from its own Offset.
type Source interface {
	// Splits lists the splits known now. Known splits keep their ID for ever. It is called again every
	// Discovery (0: never again). Parents, where given, are read to their end before the split.
	Splits(ctx context.Context) ([]Split, error)
	Discovery() time.Duration
	// Bounded: every reader ends with io.EOF and no split comes later.
	Bounded() bool
	// PerSplitWatermarks: one watermark generator a split, merged by minimum (live sources); else one
	// a reader task in arrival order (files).
	PerSplitWatermarks() bool
	// Read opens a split; a nil offset starts where the options say. It gives either a Reader or a BatchReader.
	Read(ctx context.Context, s Split, from Offset) (SplitReader, error)
	// Decoder gives a decoder for the scan; one for each reader task. Nil when readers are BatchReaders.
	Decoder() (Decoder, error)
}

// Immediate is a Source that may have all that it will give at once, as a file has: two of them that end can be
// read in turns without either waiting long for the other.
type Immediate interface {
	Immediate() bool
}

// Positioner is a Source that can hold its start position: after Position returns, nothing written
// later is missed, though reading starts later (LATEST). The job calls it for each split of its first
// listing, before it reports itself as running; splits that appear later are read from their beginning.
type Positioner interface {
	Position(ctx context.Context, s Split) (Offset, error)
}

// Split is a part of a source that is read in order.
type Split struct {
	ID      string
	Parents []string
	// Size orders bounded splits' work; 0 is unknown.
	Size int64
}

// Offset is a place in a split, just past a record. Opaque to everyone else; nil is the start.
type Offset []byte

// SplitReader is either a Reader or a BatchReader.
type SplitReader interface {
	Close() error
}

// Reader gives raw records.
type Reader interface {
	SplitReader
	// Next fills c with at least one record, waiting if there is none; io.EOF at a bounded end. It may
	// return with no record after a while (idle): then c.Len() is 0. c's memory belongs to the reader
	// until the next call.
	Next(ctx context.Context, c *Chunk) error
}

// BatchReader gives decoded rows: columns of Scan.Columns, then of Scan.Metadata.
type BatchReader interface {
	SplitReader
	// NextBatch gives at most max rows and the offset after them; io.EOF at the end; (nil, nil, nil) when idle.
	NextBatch(ctx context.Context, max int) (*vec.Batch, Offset, error)
}

// Chunk is some records of one split.
type Chunk struct {
	Data []byte  // the records' bytes, one behind the other, maybe with separators between
	Beg  []int32 // record i is Data[Beg[i]:End[i]]
	End  []int32
	Meta []arrow.Array // a column for each key of Scan.Metadata, as long as the records
	// Pos is a number per record from which OffsetAt makes offsets (a byte position, an index); free use.
	Pos []int64
	// OffsetAt gives the offset just past record i.
	OffsetAt func(i int) Offset
	// Describe names record i in messages: "shard shardId-000000000000, sequence number 495...", "file x.jsonl, line 7".
	Describe func(i int) string
	// Sequence is record i's place in its split, as a text that names it there: a sequence number, a line. Nil: there is none.
	Sequence func(i int) string
	// Partition holds, for the source's own decoder, a value (an array of one element) of each partition
	// column: the values of all records here.
	Partition []arrow.Array
	// MillisBehind is how far behind the tip the split was at this read; -1 unknown.
	MillisBehind int64
}

// Len is the number of records.
func (c *Chunk) Len() int { return len(c.End) }

// Record is record i's bytes.
func (c *Chunk) Record(i int) []byte { return c.Data[c.Beg[i]:c.End[i]] }

// Decoder turns records into rows of the wanted columns, straight into columns. It is used by one goroutine.
type Decoder interface {
	// Decode decodes records [lo, hi) into out, which it overwrites.
	Decode(c *Chunk, lo, hi int, out *Decoded) error
}

// Decoded is what a decoder made of some records. Its columns are new memory, never reused.
type Decoded struct {
	Cols  []arrow.Array // of Scan.Columns (not metadata)
	N     int           // rows
	Kinds []types.RowKind
	// Record is the record each row came from; nil when row i is record lo+i.
	Record []int32
	// Rejects are the records that gave no row because they are bad.
	Rejects []Reject
}

// Reject is a record that could not be decoded.
type Reject struct {
	Record int // index in the chunk
	Err    error
}

// Encoder turns rows into records.
type Encoder interface {
	// Encode appends row i of b, encoded, to dst.
	Encode(dst []byte, b *vec.Batch, i int) ([]byte, error)
}

// Sink is called by one task. At a barrier, Flush stages; after the checkpoint is durable, Commit
// publishes. A sink without transactions returns a nil token and is at-least-once; its docs must say so.
type Sink interface {
	// Write takes a batch (columns of TableDesc.Columns, then writable metadata); it may buffer within its limits, else blocks.
	Write(ctx context.Context, b *vec.Batch) error
	// Flush writes out or stages all that was buffered.
	Flush(ctx context.Context) (token []byte, err error)
	// Commit publishes what a token stages; idempotent: called again after a crash.
	Commit(ctx context.Context, token []byte) error
	Close() error
}

// Lingerer is a Sink that buffers: Tick is called at least every FlushInterval, with the clock.
type Lingerer interface {
	FlushInterval() time.Duration
	Tick(ctx context.Context) error
}
