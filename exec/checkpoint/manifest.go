package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"

	"weir/exec/state"
	"weir/sql/types"
)

const (
	// ManifestName is the file that says what a checkpoint is. It is written last.
	ManifestName   = "manifest.json"
	manifestFormat = "weir checkpoint"
	// manifestVersion is raised when older programs can no longer read what is written.
	manifestVersion = 1
)

// manifest is a Checkpoint as JSON.
type manifest struct {
	ID        int64             `json:"id"`
	Job       string            `json:"job,omitempty"`
	Time      time.Time         `json:"time"`
	Savepoint bool              `json:"savepoint,omitempty"`
	Settings  map[string]string `json:"settings,omitempty"`
	Operators []Operator        `json:"operators,omitempty"`
	Tasks     []taskEntry       `json:"tasks"`
}

type taskEntry struct {
	Name      string                `json:"name"`
	Ended     bool                  `json:"ended,omitempty"`
	Watermark types.Time            `json:"watermark"`
	Read      int64                 `json:"read,omitempty"`
	Held      map[string]types.Time `json:"held,omitempty"`
	Splits    []splitEntry          `json:"splits,omitempty"`
	Tokens    []tokenEntry          `json:"tokens,omitempty"`
	Files     []fileEntry           `json:"files,omitempty"`
}

type splitEntry struct {
	ID        string     `json:"id"`
	Parents   []string   `json:"parents,omitempty"`
	Size      int64      `json:"size,omitempty"`
	Offset    []byte     `json:"offset,omitempty"`
	Watermark types.Time `json:"watermark"`
	Done      bool       `json:"done,omitempty"`
}

type tokenEntry struct {
	Sink  string `json:"sink"`
	Bytes []byte `json:"bytes"`
}

// fileEntry is a file of a task's state. At is where it lies below the checkpoint's, or the store's, place.
type fileEntry struct {
	Name string    `json:"name"`
	At   string    `json:"at"`
	Size int64     `json:"size"`
	Sum  state.Sum `json:"sum"`
}

func newManifest(c *Checkpoint) *manifest {
	m := &manifest{ID: c.ID, Job: c.Job, Time: c.Time.UTC(), Savepoint: c.Savepoint, Settings: c.Settings, Operators: c.Operators}
	for name, t := range c.Tasks {
		e := taskEntry{Name: name, Ended: t.Ended, Watermark: t.Watermark, Read: t.Read, Held: t.Held}
		for _, s := range t.Splits {
			e.Splits = append(e.Splits, splitEntry(s))
		}
		for _, k := range t.Tokens {
			e.Tokens = append(e.Tokens, tokenEntry(k))
		}
		m.Tasks = append(m.Tasks, e)
	}
	sort.Slice(m.Tasks, func(i, j int) bool { return m.Tasks[i].Name < m.Tasks[j].Name })
	return m
}

// checkpoint gives the checkpoint back; open gives the snapshot of a task.
func (m *manifest) checkpoint(path string, open func(taskEntry) state.Snapshot) *Checkpoint {
	c := &Checkpoint{
		ID: m.ID, Job: m.Job, Time: m.Time, Savepoint: m.Savepoint, Settings: m.Settings, Operators: m.Operators, Path: path,
		Tasks: make(map[string]*Task, len(m.Tasks)),
	}
	for _, e := range m.Tasks {
		t := &Task{Ended: e.Ended, Watermark: e.Watermark, Read: e.Read, Held: e.Held}
		for _, s := range e.Splits {
			t.Splits = append(t.Splits, Split(s))
		}
		for _, k := range e.Tokens {
			t.Tokens = append(t.Tokens, Token(k))
		}
		if len(e.Files) > 0 {
			t.State = open(e)
		}
		c.Tasks[e.Name] = t
	}
	return c
}

// files calls f for each file of each task.
func (m *manifest) files(f func(taskEntry, fileEntry) error) error {
	for _, t := range m.Tasks {
		for _, e := range t.Files {
			if err := f(t, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *manifest) bytes() (n int64) {
	_ = m.files(func(_ taskEntry, f fileEntry) error { n += f.Size; return nil })
	return n
}

// envelope is what stands in the file: the manifest, and what tells that it is whole and can be read.
type envelope struct {
	Format     string          `json:"format"`
	Version    int             `json:"version"`
	Sum        state.Sum       `json:"sum"` // of the bytes of Checkpoint
	Checkpoint json.RawMessage `json:"checkpoint"`
}

func sumOf(b []byte) state.Sum {
	s := state.NewSummer()
	_, _ = s.Write(b)
	return s.Sum()
}

func (m *manifest) encode() ([]byte, error) {
	inner, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"format\":%q,\"version\":%d,\"sum\":%q,\"checkpoint\":", manifestFormat, manifestVersion, sumOf(inner))
	b.Write(inner)
	b.WriteString("}\n")
	return b.Bytes(), nil
}

var errNotOurs = errors.New("it is not a checkpoint of weir")

// maxManifest bounds what is read as a manifest.
const maxManifest = 1 << 30

func readManifest(from io.Reader) (*manifest, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxManifest))
	if err != nil {
		return nil, err
	}
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("its %s is damaged: %w", ManifestName, err)
	}
	switch {
	case e.Format != manifestFormat:
		return nil, errNotOurs
	case e.Version > manifestVersion:
		return nil, fmt.Errorf("its format is version %d, and this program reads up to version %d: use a newer weir", e.Version, manifestVersion)
	case sumOf(e.Checkpoint) != e.Sum:
		return nil, fmt.Errorf("its %s is damaged: the checksum differs", ManifestName)
	}
	m := &manifest{}
	if err := json.Unmarshal(e.Checkpoint, m); err != nil {
		return nil, fmt.Errorf("its %s is damaged: %w", ManifestName, err)
	}
	return m, nil
}
