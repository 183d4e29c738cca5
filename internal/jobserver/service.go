package jobserver

import (
	"context"
	"errors"
	"fmt"

	"weir/exec/job"
	"weir/internal/session"
)

// service has sessions of this process run their jobs by the manager.
type service struct{ m *job.Manager }

// NewService makes the JobService of a manager in this process.
func NewService(m *job.Manager) session.JobService { return &service{m} }

func info(e *job.Entry) session.JobInfo {
	s := e.Status()
	out := session.JobInfo{ID: e.ID, Name: e.Name, State: string(s.State), Started: e.Created, Ended: s.Ended,
		Restarts: s.Restarts, Error: s.Error, Statement: e.Statement()}
	if last := e.Checkpoints().LastCompleted; last != nil {
		out.Checkpoint = last.Path
	}
	out.References = session.References(e.Stats())
	if n := len(s.Savepoints); n > 0 {
		out.Savepoint = s.Savepoints[n-1].Path
	}
	return out
}

// Submit starts a job.
func (s *service) Submit(ctx context.Context, p job.Program) (session.JobInfo, error) {
	e, err := s.m.Submit(ctx, p)
	if err != nil {
		return session.JobInfo{}, err
	}
	return info(e), nil
}

// Jobs lists the jobs, oldest first.
func (s *service) Jobs(context.Context) ([]session.JobInfo, error) {
	list := []session.JobInfo{}
	for _, e := range s.m.Jobs() {
		list = append(list, info(e))
	}
	return list, nil
}

// Job finds a job.
func (s *service) Job(_ context.Context, id string) (session.JobInfo, error) {
	e, err := s.m.Find(id)
	if err != nil {
		return session.JobInfo{}, err
	}
	return info(e), nil
}

// Stop ends a job.
func (s *service) Stop(ctx context.Context, id string, savepoint, drain bool) (string, error) {
	return s.stop(ctx, id, "", savepoint, drain)
}

func (s *service) stop(ctx context.Context, id, dir string, savepoint, drain bool) (string, error) {
	e, err := s.m.Find(id)
	if err != nil {
		return "", err
	}
	if savepoint || drain {
		return e.Stop(ctx, dir, drain)
	}
	if err := e.Cancel(); err != nil {
		return "", err
	}
	_, err = e.Await(ctx, job.State.Ended)
	return "", err
}

// Wait waits for a job's end.
func (s *service) Wait(ctx context.Context, id string) error {
	e, err := s.m.Find(id)
	if err != nil {
		return err
	}
	status, err := e.Await(ctx, job.State.Ended)
	return ended(e.ID, string(status.State), status.Error, err)
}

// ended is the error of a job that has ended.
func ended(id, state, cause string, err error) error {
	switch {
	case err != nil:
		return err
	case state == session.StateFailed:
		return errors.New(cause)
	case state == session.StateCanceled:
		return fmt.Errorf("job %s was canceled", id)
	}
	return nil
}

// Diagnose says what a job waits for.
func (s *service) Diagnose(_ context.Context, id string) ([]string, error) {
	e, err := s.m.Find(id)
	if err != nil {
		return nil, err
	}
	return session.DiagnoseJob(e), nil
}
