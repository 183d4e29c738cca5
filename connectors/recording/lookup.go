package recording

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"weir/connectors"
	"weir/connectors/format"
	"weir/sql/types"
	"weir/sql/vec"
)

// replayKeys is how many keys a request may have where nobody is asked.
const replayKeys = 128

var _ connectors.Recorder = (*Store)(nil)

// Lookup implements connectors.Recorder.
func (s *Store) Lookup(t *connectors.TableDesc, scan connectors.LookupScan, answers types.Schema, env *connectors.Env, open func() (connectors.Lookup, error)) (connectors.Lookup, error) {
	l := &lookup{store: s, table: t.Name, cols: append(types.Schema{}, answers...)}
	for i := range l.cols {
		if i >= len(scan.Columns) { // metadata may have the name of a column
			l.cols[i].Name = "@" + l.cols[i].Name
		}
		l.names = append(l.names, l.cols[i].Name)
	}
	conf := format.Default("json")
	var err error
	if l.keys, err = conf.Encoder(scan.Keys, env); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	if l.rows, err = conf.Encoder(l.cols, env); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	if l.dec, err = conf.Decoder(l.cols, l.cols, env); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	if s.mode != Replay {
		l.next, err = open()
	}
	return l, err
}

// lookup answers for one that was declared.
type lookup struct {
	store *Store
	table string
	cols  types.Schema
	names []string
	next  connectors.Lookup // nil: nobody is asked

	mu         sync.Mutex // of what follows: requests are made side by side
	keys, rows connectors.Encoder
	dec        connectors.Decoder
}

// MaxKeys implements connectors.Lookup.
func (l *lookup) MaxKeys() int {
	if l.next == nil {
		return replayKeys
	}
	return l.next.MaxKeys()
}

// Status implements connectors.Waiting.
func (l *lookup) Status() string {
	if w, ok := l.next.(connectors.Waiting); ok {
		return w.Status()
	}
	return ""
}

// Close implements connectors.Lookup.
func (l *lookup) Close() error {
	if l.next == nil {
		return nil
	}
	return l.next.Close()
}

// Ask implements connectors.Lookup.
func (l *lookup) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	texts, err := l.texts(keys)
	if err != nil {
		return nil, nil, err
	}
	answers, missing := make([]*answer, len(texts)), []int32(nil)
	for i, text := range texts {
		if l.store.mode != Record {
			if answers[i], err = l.store.get(l.table, text, l.names); err != nil {
				return nil, nil, err
			}
		}
		if answers[i] == nil {
			missing = append(missing, int32(i))
		}
	}
	if len(missing) > 0 {
		if l.next == nil {
			return nil, nil, fmt.Errorf("the recording %s has no answer for the key %s with the wanted columns: SET 'weir.calls.recording.mode' = 'auto' asks for it", l.store.path, texts[missing[0]])
		}
		if err := l.ask(ctx, keys, texts, missing, answers); err != nil {
			return nil, nil, err
		}
	}
	return l.decode(answers)
}

func (l *lookup) texts(keys *vec.Batch) ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([][]byte, keys.Len())
	for i := range out {
		var err error
		if out[i], err = l.keys.Encode(nil, keys, i); err != nil {
			return nil, fmt.Errorf("recording a key: %w", err)
		}
	}
	return out, nil
}

// ask asks for the missing keys and records what is answered. Errors that another attempt may not meet are not recorded.
func (l *lookup) ask(ctx context.Context, keys *vec.Batch, texts [][]byte, missing []int32, answers []*answer) error {
	b, of, err := l.next.Ask(ctx, vec.TakeBatch(keys, missing))
	if err != nil && (ctx.Err() != nil || connectors.IsRetryable(err)) {
		return err
	}
	at := 0
	for n, i := range missing {
		rec := &line{Table: l.table, Key: texts[i], Rows: []json.RawMessage{}}
		if err != nil {
			rec.Error = err.Error()
		}
		for ; err == nil && at < len(of) && of[at] == int32(n); at++ {
			row, failed := l.row(b, at)
			if failed != nil {
				return failed
			}
			rec.Rows = append(rec.Rows, row)
		}
		var failed error
		if answers[i], failed = l.store.put(rec); failed != nil {
			return failed
		}
	}
	return err
}

func (l *lookup) row(b *vec.Batch, i int) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, err := l.rows.Encode(nil, b, i)
	if err != nil {
		return nil, fmt.Errorf("recording a row: %w", err)
	}
	return text, nil
}

// decode reads answers.
func (l *lookup) decode(answers []*answer) (*vec.Batch, []int32, error) {
	c, of := &connectors.Chunk{}, []int32(nil)
	for i, a := range answers {
		if a.err != "" {
			return nil, nil, errors.New(a.err)
		}
		for _, row := range a.rows {
			c.Beg = append(c.Beg, int32(len(c.Data)))
			c.Data = append(c.Data, row...)
			c.End = append(c.End, int32(len(c.Data)))
			of = append(of, int32(i))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var out connectors.Decoded
	if err := l.dec.Decode(c, 0, len(of), &out); err != nil {
		return nil, nil, err
	}
	if len(out.Rejects) > 0 {
		r := out.Rejects[0]
		return nil, nil, fmt.Errorf("the recording %s, an answer of table %s: %w", l.store.path, l.table, r.Err)
	}
	return vec.New(l.cols.Arrow(), out.Cols, len(of), nil), of, nil
}
