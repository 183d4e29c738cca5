package connectors

import "errors"

// Refused marks the error of a Lookup's request as one that may be for the sake of some of its keys: the others may have answers
// when they are asked for without them.
func Refused(err error) error {
	if err == nil {
		return nil
	}
	return &refused{err}
}

// IsRefused tells whether an error was marked by Refused.
func IsRefused(err error) bool { return errors.As(err, new(*refused)) }

type refused struct{ error }

func (r *refused) Unwrap() error { return r.error }

// Refused is for who does not know this package.
func (r *refused) Refused() bool { return true }
