package jobserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"weir/exec/job"
)

const (
	// maxOperations bounds the savepoints under way and remembered.
	maxOperations = 256
	// rememberFor is how long the outcome of one can be asked for.
	rememberFor = 10 * time.Minute
	// operationLimit bounds one.
	operationLimit = 30 * time.Minute
)

// operations are savepoints, stops and checkpoints that clients ask about later, by a trigger id.
type operations struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]*operation
}

// operation is one of them; what is set with done does not change.
type operation struct {
	job    string
	ended  time.Time
	done   bool
	result map[string]any
	err    error
}

var triggerID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// begin runs f beside, unless the same id did so before: then a client repeats itself.
func (o *operations) begin(id, jobID string, f func(context.Context) (map[string]any, error)) (string, error) {
	if id == "" {
		id = job.NewID()
	}
	if !triggerID.MatchString(id) {
		return "", fmt.Errorf("triggerId %q is not 32 hexadecimal digits", id)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byID == nil {
		o.byID = map[string]*operation{}
	}
	if _, ok := o.byID[id]; ok {
		return id, nil
	}
	for k, old := range o.byID {
		if old.done && o.now().Sub(old.ended) > rememberFor {
			delete(o.byID, k)
		}
	}
	if len(o.byID) >= maxOperations {
		return "", errors.New("too many savepoints are under way: ask again later")
	}
	op := &operation{job: jobID}
	o.byID[id] = op
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), operationLimit)
		defer cancel()
		result, err := f(ctx)
		o.mu.Lock()
		defer o.mu.Unlock()
		op.done, op.ended, op.result, op.err = true, o.now(), result, err
	}()
	return id, nil
}

func (o *operations) find(id string) (operation, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if op := o.byID[id]; op != nil {
		return *op, true
	}
	return operation{}, false
}

// trigger answers with the id to ask for.
func (s *Server) trigger(w http.ResponseWriter, id string, e *job.Entry, f func(context.Context) (map[string]any, error)) {
	if st := e.Status().State; st != job.Running {
		refuse(w, &job.NotRunningError{State: st})
		return
	}
	id, err := s.ops.begin(id, e.ID, f)
	if err != nil {
		refuse(w, err)
		return
	}
	reply(w, http.StatusAccepted, map[string]string{"request-id": id})
}

func located(path string, err error) (map[string]any, error) {
	return map[string]any{"location": path}, err
}

func (s *Server) triggerSavepoint(w http.ResponseWriter, r *http.Request, e *job.Entry) {
	var q struct {
		Target  string `json:"target-directory"`
		Cancel  bool   `json:"cancel-job"`
		Trigger string `json:"triggerId"`
	}
	if err := body(r, &q); err != nil {
		refuse(w, err)
		return
	}
	s.trigger(w, q.Trigger, e, func(ctx context.Context) (map[string]any, error) {
		path, err := e.Savepoint(ctx, q.Target)
		if err == nil && q.Cancel {
			err = e.Cancel()
		}
		return located(path, err)
	})
}

func (s *Server) triggerStop(w http.ResponseWriter, r *http.Request, e *job.Entry) {
	var q struct {
		Target  string `json:"targetDirectory"`
		Drain   bool   `json:"drain"`
		Trigger string `json:"triggerId"`
	}
	if err := body(r, &q); err != nil {
		refuse(w, err)
		return
	}
	s.trigger(w, q.Trigger, e, func(ctx context.Context) (map[string]any, error) {
		return located(e.Stop(ctx, q.Target, q.Drain))
	})
}

func (s *Server) triggerCheckpoint(w http.ResponseWriter, r *http.Request, e *job.Entry) {
	var q struct {
		Trigger string `json:"triggerId"`
	}
	if err := body(r, &q); err != nil {
		refuse(w, err)
		return
	}
	s.trigger(w, q.Trigger, e, func(context.Context) (map[string]any, error) {
		run := e.Run()
		if run == nil {
			return nil, &job.NotRunningError{State: e.Status().State}
		}
		if err := run.Checkpoint(); err != nil {
			return nil, err
		}
		out := map[string]any{"checkpointId": int64(0), "failureCause": nil}
		if last := e.Checkpoints().LastCompleted; last != nil {
			out["checkpointId"] = last.ID
		}
		return out, nil
	})
}

// operation tells what became of a trigger.
func (s *Server) operation(w http.ResponseWriter, r *http.Request, e *job.Entry) {
	id := r.PathValue("trigger")
	op, ok := s.ops.find(id)
	switch {
	case !ok || op.job != e.ID:
		fail(w, http.StatusNotFound, fmt.Errorf("no savepoint of job %s was asked for under the id %q", e.ID, id))
	case !op.done:
		reply(w, http.StatusOK, map[string]any{"status": map[string]string{"id": "IN_PROGRESS"}, "operation": nil})
	case op.err != nil:
		reply(w, http.StatusOK, map[string]any{"status": map[string]string{"id": "COMPLETED"}, "operation": map[string]any{"failure-cause": failure(op.err)}})
	default:
		reply(w, http.StatusOK, map[string]any{"status": map[string]string{"id": "COMPLETED"}, "operation": op.result})
	}
}
