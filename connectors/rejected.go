package connectors

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// The reasons why a record or a row is rejected.
const (
	RejectDecode      = "decode"       // the record is not what the table declares
	RejectExpression  = "expression"   // a computed column, a projection or a condition fails on the row
	RejectLookup      = "lookup"       // a service outside did not answer for the row
	RejectNullRowTime = "null-rowtime" // the row has no event time
	RejectNotNull     = "not-null"     // NULL in a column of the sink that is NOT NULL
	RejectRange       = "range"        // a number does not fit the sink's column
	RejectSink        = "sink"         // the sink does not take the row
)

// MaxRejectedBytes bounds what is kept of a record, and of a row's text.
const MaxRejectedBytes = 64 << 10

// Rejected is a record or a row that a job left out: bad, or late. Times that are not known are types.MinTime.
type Rejected struct {
	ID          string // its place in the store; set where it is read
	Late        bool   // a row behind the watermark; else an error
	Micros      int64  // processing time
	Table       [3]string
	Job         string
	Operator    string // as it is named in EXPLAIN and in errors
	Reason      string // one of the constants; "" of late rows
	Message     string
	Record      []byte // as it came, at most MaxRejectedBytes of it; nil: the row has none
	Size        int64  // of the whole record
	Split       string // shard or file
	Sequence    string // sequence number, or place in the file
	Row         string // as JSON; "": there is no row yet
	EventTime   types.Time
	Watermark   types.Time
	WindowStart types.Time // of a late row, where the operator has windows: the last that would have taken it
	WindowEnd   types.Time
}

// RejectLog keeps what a job rejects. Its methods are safe for concurrent use; a writer belongs to one task.
type RejectLog interface {
	// Begin is called before a run: what was rejected behind the checkpoint that it goes on from is
	// forgotten, for it will be rejected again. 0: all of it.
	Begin(checkpoint int64) error
	// Writer makes a task's writer. The run has passed the barrier of checkpoint.
	Writer(task string, checkpoint int64) RejectWriter
}

// RejectWriter takes what one task rejects.
type RejectWriter interface {
	Put(r *Rejected) error
	// Show makes what was put visible to readers; a crash may still lose it.
	Show() error
	// Flush makes it durable. What is put later is behind the checkpoint's barrier.
	Flush(checkpoint int64) error
	Close() error
}

// Refusal is an error of Sink.Write that the rows are to blame for, not the sink or its surroundings. The rows
// before Row were taken, those behind it were not looked at. Row < 0: any of the batch's; none was taken.
type Refusal struct {
	Row int
	Err error
}

// Error gives the cause.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// Refuser is a Sink that learns after Write which rows are refused. Once Tolerate was called, such rows are no error:
// Refused, asked after each call of the sink, gives the records refused since, and leaves them to the caller.
type Refuser interface {
	Tolerate()
	Refused() []RefusedRecord
}

// RefusedRecord is a record that a sink had made of a row.
type RefusedRecord struct {
	Record []byte
	Err    error
}

func optional(name string, t types.Type) types.Column {
	return types.Column{Name: name, Type: t.WithNull(true)}
}

// ErrorColumns are the columns of t$errors.
func ErrorColumns() types.Schema {
	ts, text := types.TimestampType(3), types.StringType
	return types.Schema{
		optional("id", text), optional("error_time", types.LTZType(3)), optional("table_name", text),
		optional("operator", text), optional("reason", text), optional("message", text),
		optional("raw_record", types.BytesType), optional("record_size", types.BigIntType),
		optional("split_id", text), optional("sequence_number", text),
		optional("event_time", ts), optional("data_row", text), optional("job_id", text),
	}
}

// LateColumns are the columns of t$late.
func LateColumns() types.Schema {
	ts, text := types.TimestampType(3), types.StringType
	return types.Schema{
		optional("id", text), optional("late_time", types.LTZType(3)), optional("table_name", text),
		optional("operator", text), optional("data_row", text), optional("event_time", ts), optional("watermark", ts),
		optional("window_start", ts), optional("window_end", ts), optional("job_id", text),
	}
}

// RejectedColumns gives the columns of t$late, or of t$errors.
func RejectedColumns(late bool) types.Schema {
	if late {
		return LateColumns()
	}
	return ErrorColumns()
}

// RejectedRows makes columns, of those that RejectedColumns names, of what was rejected.
func RejectedRows(list []*Rejected, cols types.Schema) []arrow.Array {
	out := make([]arrow.Array, len(cols))
	for i, c := range cols {
		b := vec.NewBuilder(c.Type)
		for _, r := range list {
			switch b := b.(type) {
			case *vec.TextBuilder:
				if v, ok := r.text(c.Name); ok {
					b.Append(v)
					continue
				}
			case *vec.FixedBuilder[int64]:
				if v, ok := r.number(c.Name); ok {
					b.Append(v)
					continue
				}
			}
			b.AppendNull()
		}
		out[i] = b.Array()
	}
	return out
}

// number is a time in microseconds, or a size. The ends of time are no times.
func (r *Rejected) number(name string) (int64, bool) {
	at := types.MinTime
	switch name {
	case "error_time", "late_time":
		return r.Micros, true
	case "record_size":
		return r.Size, r.Record != nil
	case "event_time":
		at = r.EventTime
	case "watermark":
		at = r.Watermark
	case "window_start":
		at = r.WindowStart
	case "window_end":
		at = r.WindowEnd
	}
	return at.Micros(), at != types.MinTime && at != types.MaxTime
}

func (r *Rejected) text(name string) ([]byte, bool) {
	v := ""
	switch name {
	case "raw_record":
		return r.Record, r.Record != nil
	case "id":
		v = r.ID
	case "table_name":
		v = r.Table[2]
	case "operator":
		v = r.Operator
	case "reason":
		v = r.Reason
	case "message":
		v = r.Message
	case "split_id":
		v = r.Split
	case "sequence_number":
		v = r.Sequence
	case "data_row":
		v = r.Row
	case "job_id":
		v = r.Job
	}
	return []byte(v), v != ""
}
