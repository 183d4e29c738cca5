package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// jobsDir is the folder of the jobs in a data folder; a folder a job, by its id:
//
//	job.json      what it is, and how it was last
//	checkpoints/  where no setting says otherwise
//	work/         live state, of no use once the process is gone
const (
	jobsDir    = "jobs"
	recordName = "job.json"
)

// recordVersion is the format of job.json.
const recordVersion = 1

// Program is what a job does: all that is needed to plan it again elsewhere, or later. It holds secrets
// of tables.
type Program struct {
	// Statement is an INSERT or a STATEMENT SET.
	Statement string `json:"statement"`
	// Definitions are the statements that make what Statement uses, in an order that works.
	Definitions []string `json:"definitions,omitempty"`
	// Settings are those that were set.
	Settings map[string]string `json:"settings,omitempty"`
	// Catalog and Database are what names without them mean.
	Catalog  string `json:"catalog,omitempty"`
	Database string `json:"database,omitempty"`
}

// record is job.json.
type record struct {
	Version    int                 `json:"version"`
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Program    Program             `json:"program"`
	State      State               `json:"state"`
	Times      map[State]time.Time `json:"times,omitempty"`
	Created    time.Time           `json:"created"`
	Ended      time.Time           `json:"ended,omitzero"`
	Attempt    int                 `json:"attempt"`
	Restarts   int                 `json:"restarts"`
	Failures   []Failure           `json:"failures,omitempty"`
	Savepoints []Savepoint         `json:"savepoints,omitempty"`
	Error      string              `json:"error,omitempty"`
	Plan       json.RawMessage     `json:"plan,omitempty"`  // without secrets
	Shown      string              `json:"shown,omitempty"` // the statement without secrets
}

func (r *record) status() Status {
	return Status{State: r.State, Times: r.Times, Started: r.Created, Ended: r.Ended, Attempt: r.Attempt, Restarts: r.Restarts,
		Failures: r.Failures, Savepoints: r.Savepoints, Error: r.Error}
}

func (r *record) note(s Status) {
	r.State, r.Times, r.Ended, r.Attempt, r.Restarts = s.State, s.Times, s.Ended, s.Attempt, s.Restarts
	r.Failures, r.Savepoints, r.Error = s.Failures, s.Savepoints, s.Error
}

// write replaces job.json; a crash leaves the old or the new one.
func (r *record) write(dir string) error {
	r.Version = recordVersion
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, recordName)
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func readRecord(dir string) (*record, error) {
	path := filepath.Join(dir, recordName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &record{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("%s: format %d; this weir reads %d", path, r.Version, recordVersion)
	}
	if r.ID != filepath.Base(dir) {
		return nil, fmt.Errorf("%s: it is the record of job %q", path, r.ID)
	}
	return r, nil
}
