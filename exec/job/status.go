package job

import "time"

// State is the state of a job, by Flink's name.
type State string

// The states. Created waits for its first start; Restarting waits for the next one. A job that was stopped with a
// savepoint is Finished.
const (
	Created    State = "CREATED"
	Running    State = "RUNNING"
	Failing    State = "FAILING"
	Failed     State = "FAILED"
	Cancelling State = "CANCELLING"
	Canceled   State = "CANCELED"
	Finished   State = "FINISHED"
	Restarting State = "RESTARTING"
)

// States lists all states.
func States() []State {
	return []State{Created, Running, Failing, Failed, Cancelling, Canceled, Finished, Restarting}
}

// Ended tells whether the state is a last one.
func (s State) Ended() bool { return s == Failed || s == Canceled || s == Finished }

// Failure is why an attempt ended.
type Failure struct {
	Time     time.Time     `json:"time"`
	Operator string        `json:"operator,omitempty"` // whose error it is, where known
	Error    string        `json:"error"`
	Attempt  int           `json:"attempt"`
	Delay    time.Duration `json:"delay"` // before the restart
	Restart  bool          `json:"restart"`
}

// maxFailures bounds the history of failures, as Flink's web.exception-history-size does.
const maxFailures = 16

// maxSavepoints bounds the list of savepoints that a job remembers; their files stay.
const maxSavepoints = 100

// Savepoint is a savepoint that was taken of a job.
type Savepoint struct {
	Time time.Time `json:"time"`
	Path string    `json:"path"`
	Stop bool      `json:"stop,omitempty"` // the job was stopped with it
}

// Status is what there is to know of a job: a copy.
type Status struct {
	State      State
	Times      map[State]time.Time // when each state was entered last
	Started    time.Time
	Ended      time.Time
	Attempt    int // 1 is the first
	Restarts   int
	Failures   []Failure // oldest first
	Savepoints []Savepoint
	Error      string // why it failed
}
