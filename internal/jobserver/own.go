package jobserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"weir/exec/job"
	"weir/internal/session"
	"weir/sql"
)

// maxWait bounds how long a request may wait for a job.
const maxWait = 5 * time.Minute

// Submission is the body of POST /api/v1/jobs: a script whose INSERTs become jobs, or one job with all it needs.
type Submission struct {
	SQL      string            `json:"sql,omitempty"`
	Settings map[string]string `json:"settings,omitempty"` // for SQL
	Program  *job.Program      `json:"program,omitempty"`
}

// Submitted is its answer. Jobs of a script that failed in the middle run all the same, so they are there with the error.
type Submitted struct {
	Jobs     []session.JobInfo `json:"jobs"`
	Warnings []string          `json:"warnings,omitempty"`
	Errors   []string          `json:"errors,omitempty"`
}

// Details is a job with what DESCRIBE has no column for.
type Details struct {
	session.JobInfo
	Strategy   string            `json:"restartStrategy,omitempty"`
	Attempt    int               `json:"attempt"`
	Failures   []job.Failure     `json:"failures,omitempty"`
	Savepoints []job.Savepoint   `json:"savepoints,omitempty"`
	Settings   map[string]string `json:"settings,omitempty"`
	Plan       json.RawMessage   `json:"plan,omitempty"`
	RowsIn     int64             `json:"rowsRead"`
	RowsOut    int64             `json:"rowsWritten"`
	LateRows   int64             `json:"lateRows"`
	Rejected   int64             `json:"rejectedRecords"`
}

// StopRequest is the body of POST /api/v1/jobs/ID/stop and .../savepoint.
type StopRequest struct {
	Savepoint bool   `json:"savepoint,omitempty"`
	Drain     bool   `json:"drain,omitempty"`
	Directory string `json:"directory,omitempty"` // of the savepoint; empty: where settings say
}

// Stopped is its answer.
type Stopped struct {
	Savepoint string `json:"savepoint,omitempty"`
}

// LogLines is the answer of GET /api/v1/jobs/ID/logs: Next is what to ask for next, as ?after=.
type LogLines struct {
	Lines []job.Line `json:"lines"`
	Next  int64      `json:"next"`
}

func (s *Server) ownRoutes() {
	s.mux.HandleFunc("GET /api/v1/jobs", func(w http.ResponseWriter, r *http.Request) {
		list, _ := s.service.Jobs(r.Context())
		reply(w, http.StatusOK, Submitted{Jobs: list})
	})
	s.mux.HandleFunc("POST /api/v1/jobs", s.submit)
	s.mux.HandleFunc("GET /api/v1/jobs/{id}", s.withJob(func(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
		reply(w, http.StatusOK, details(e))
	}))
	s.mux.HandleFunc("GET /api/v1/jobs/{id}/logs", s.withJob(jobLogs))
	s.mux.HandleFunc("GET /api/v1/jobs/{id}/splits", s.withJob(func(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
		reply(w, http.StatusOK, map[string]any{"splits": splits(e)})
	}))
	s.mux.HandleFunc("GET /api/v1/jobs/{id}/sources/{v}/splits", s.withJob(func(w http.ResponseWriter, r *http.Request, e *job.Entry) {
		list := []splitView{}
		for _, x := range splits(e) {
			if x.Source == r.PathValue("v") || vertexID(x.Source) == r.PathValue("v") {
				list = append(list, x)
			}
		}
		reply(w, http.StatusOK, map[string]any{"splits": list})
	}))
	s.mux.HandleFunc("GET /api/v1/jobs/{id}/diagnosis", s.withJob(func(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
		reply(w, http.StatusOK, map[string]any{"lines": session.DiagnoseJob(e)})
	}))
	s.mux.HandleFunc("GET /api/v1/jobs/{id}/wait", s.withJob(func(w http.ResponseWriter, r *http.Request, e *job.Entry) {
		ctx, cancel := context.WithTimeout(r.Context(), maxWait)
		defer cancel()
		_, _ = e.Await(ctx, job.State.Ended)
		reply(w, http.StatusOK, info(e)) // not ended: ask again
	}))
	s.mux.HandleFunc("POST /api/v1/jobs/{id}/stop", s.withJob(s.stopJob))
	s.mux.HandleFunc("POST /api/v1/jobs/{id}/savepoint", s.withJob(func(w http.ResponseWriter, r *http.Request, e *job.Entry) {
		var q StopRequest
		err := body(r, &q)
		var path string
		if err == nil {
			path, err = e.Savepoint(r.Context(), q.Directory)
		}
		answer(w, Stopped{path}, err)
	}))
	s.mux.HandleFunc("POST /api/v1/jobs/{id}/restart", s.withJob(func(w http.ResponseWriter, r *http.Request, e *job.Entry) {
		err := s.m.Restart(r.Context(), e)
		answer(w, info(e), err)
	}))
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		refuse(w, err)
		return
	}
	reply(w, http.StatusOK, v)
}

func (s *Server) stopJob(w http.ResponseWriter, r *http.Request, e *job.Entry) {
	var q StopRequest
	if err := body(r, &q); err != nil {
		refuse(w, err)
		return
	}
	path, err := s.service.stop(r.Context(), e.ID, q.Directory, q.Savepoint, q.Drain)
	answer(w, Stopped{path}, err)
}

func details(e *job.Entry) Details {
	st := e.Status()
	d := Details{JobInfo: info(e), Attempt: st.Attempt, Failures: st.Failures, Savepoints: st.Savepoints, Plan: e.Plan()}
	if p := e.Prepared(); p != nil {
		d.Strategy, d.Settings = p.Strategy.String(), p.Settings
	}
	t := session.Sum(e.Stats())
	d.RowsIn, d.RowsOut, d.LateRows, d.Rejected = t.Read, t.Given, t.Late, t.Rejected
	return d
}

func jobLogs(w http.ResponseWriter, r *http.Request, e *job.Entry) {
	lines, total := e.Logs().Lines()
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	first := total - int64(len(lines)) // the number of the oldest line kept
	lines = lines[min(max(0, after-first), int64(len(lines))):]
	reply(w, http.StatusOK, LogLines{Lines: append([]job.Line{}, lines...), Next: total})
}

// submit runs a script, or one job. Jobs that were started before a later statement failed run on, and are named.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	var q Submission
	if err := body(r, &q); err != nil {
		refuse(w, err)
		return
	}
	var out Submitted
	var err error
	switch {
	case q.Program != nil && q.SQL != "":
		err = errors.New("send sql or program, not both")
	case q.Program != nil:
		var i session.JobInfo
		if i, err = s.service.Submit(r.Context(), *q.Program); err == nil {
			out.Jobs = append(out.Jobs, i)
		}
	case q.SQL == "":
		err = errors.New("there is no sql to run")
	default:
		out, err = s.script(r.Context(), q)
	}
	if err != nil {
		out.Errors = []string{session.HideText(err.Error())}
		reply(w, http.StatusBadRequest, out)
		return
	}
	reply(w, http.StatusOK, out)
}

// script runs statements in a session of its own over the server's catalog.
func (s *Server) script(ctx context.Context, q Submission) (out Submitted, err error) {
	o := s.o.Session
	o.Settings, o.Jobs = q.Settings, s.service
	o.Warn = func(text string) { out.Warnings = append(out.Warnings, session.HideText(text)) }
	stmts, err := sql.Parse(q.SQL)
	if err != nil {
		return out, session.HideSecrets(err)
	}
	se, err := session.Open(o)
	if err != nil {
		return out, err
	}
	defer se.Close() // its jobs are the server's
	for _, st := range stmts {
		res, err := se.Execute(ctx, q.SQL, st)
		if err != nil {
			return out, err
		}
		for _, warning := range res.AllWarnings() {
			out.Warnings = append(out.Warnings, session.HideText(warning.Msg))
		}
		switch res.Kind {
		case session.Rows:
			return out, fmt.Errorf("a SELECT is no job: INSERT INTO a table, or run it with 'weir sql'")
		case session.Insert:
			j, err := res.Start(ctx)
			if err != nil {
				return out, err
			}
			i, err := s.service.Job(ctx, j.ID)
			if err != nil {
				return out, err
			}
			out.Jobs = append(out.Jobs, i)
		}
	}
	return out, nil
}
