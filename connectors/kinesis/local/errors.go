package local

import (
	"fmt"
	"net/http"
)

// apiError is an error which the API defines; it goes to the client as it is. Every other error is a
// fault of the server: it is logged, and the client sees InternalFailureException.
type apiError struct {
	Code    string
	Message string
	Status  int
}

// Error makes apiError an error.
func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func newError(code, format string, args ...any) *apiError {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

func invalidArgument(format string, args ...any) *apiError {
	return newError("InvalidArgumentException", format, args...)
}

func resourceInUse(format string, args ...any) *apiError {
	return newError("ResourceInUseException", format, args...)
}

func limitExceeded(format string, args ...any) *apiError {
	return newError("LimitExceededException", format, args...)
}

func (s *Server) streamNotFound(name string) *apiError {
	return newError("ResourceNotFoundException", "Stream %s under account %s not found.", name, s.opts.AccountID)
}

func (s *Server) shardNotFound(stream, shard string) *apiError {
	return newError("ResourceNotFoundException", "Could not find shard %s in stream %s under account %s.",
		shard, stream, s.opts.AccountID)
}

func internalFailure(format string, args ...any) *apiError {
	e := newError("InternalFailureException", format, args...)
	e.Status = http.StatusInternalServerError
	return e
}

// errClosing answers what arrives while the server stops; clients retry a 503.
func errClosing() *apiError {
	e := newError("ServiceUnavailableException", "the local Kinesis server is stopping")
	e.Status = http.StatusServiceUnavailable
	return e
}

// dryRun is how the API says that a call with DryRun would have succeeded.
func dryRun() *apiError {
	return newError("DryRunOperationException", "Request would have succeeded, but DryRun flag is set.")
}
