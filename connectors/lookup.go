package connectors

import (
	"context"
	"errors"

	"weir/sql/types"
	"weir/sql/vec"
)

// LooksUp is a Config whose table is asked for the rows of keys, by a lookup join. A table that only Reads, and
// has an end, is held in memory as a whole instead.
type LooksUp interface {
	Config
	// Metadata lists the metadata columns that answers may have.
	Metadata() []MetadataKey
	// Lookup gives what asks. It is called at planning too; it may check, not connect. Keys that it cannot ask by are an error that says which it wants.
	Lookup(t *TableDesc, scan LookupScan, env *Env) (Lookup, error)
}

// LookupScan is what a lookup join wants of a table: plain data.
type LookupScan struct {
	// Columns are the wanted physical columns, in order.
	Columns types.Schema
	// Metadata are the wanted metadata keys; they follow Columns in the answers.
	Metadata []string
	// Keys are the physical columns of the table whose values a request has, in order. None of them is NULL.
	Keys types.Schema
}

// Lookup asks for rows by key. Its methods are called by several goroutines at once.
type Lookup interface {
	// Ask gives the rows of some keys, of which there are 1 to MaxKeys: row i belongs to key of[i], and of ascends. A key
	// without rows has none. The columns are those of LookupScan. An error is of all keys; where it is worth another
	// attempt it is made by Retryable. It must return soon after ctx ends, with its error.
	Ask(ctx context.Context, keys *vec.Batch) (rows *vec.Batch, of []int32, err error)
	// MaxKeys is how many keys a request may have.
	MaxKeys() int
	Close() error
}

// Recorder answers for lookups from what was recorded, or records what they answer.
type Recorder interface {
	// Lookup gives what is asked instead of what open gives. answers are the columns of answers: those wanted, then metadata.
	Lookup(t *TableDesc, scan LookupScan, answers types.Schema, env *Env, open func() (Lookup, error)) (Lookup, error)
}

// Waiting is a Lookup that may hold requests back, by a rate limit or because its service fails. Status says why, "" where
// it does not.
type Waiting interface {
	Status() string
}

// Retryable marks an error as one that another attempt may not meet.
func Retryable(err error) error {
	if err == nil {
		return nil
	}
	return &retryable{err}
}

// IsRetryable tells whether an error was marked by Retryable.
func IsRetryable(err error) bool {
	var r *retryable
	return errors.As(err, &r)
}

type retryable struct{ error }

func (r *retryable) Unwrap() error { return r.error }
