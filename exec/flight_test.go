package exec

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/exec/checkpoint"
	"weir/exec/op"
	"weir/planner"
	"weir/sql/vec"
)

// overtaken is a job over rows whose operator is slow.
type overtaken struct {
	rows []row
	all  []string // their values
	mu   sync.Mutex
	got  []string
	seen atomic.Int64 // batches that came to the operator
}

func newOvertaken() *overtaken {
	o := &overtaken{rows: manyRows(400)}
	for i := range o.rows {
		o.rows[i].v = int64(i)
		o.all = append(o.all, strconv.Itoa(i))
	}
	return o
}

// start runs the job; its operator waits for the gate with each batch.
func (o *overtaken) start(parallelism int, from *checkpoint.Checkpoint, store checkpoint.Store, gate chan struct{}) (*Job, error) {
	o.got = nil
	p := &planner.Plan{Roots: []planner.Node{collect(calcOf(exchange(scanOf("t", &table{splits: [][]row{o.rows}, chunk: 5}), 1)))}}
	p.Settings = planner.Settings{Parallelism: parallelism, BatchRows: 5}
	r := fakeRuntime(Options{Checkpoints: store, Restore: from, AlignedTimeout: time.Millisecond, Rows: func(b *vec.Batch) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		for i := range b.Len() {
			o.got = append(o.got, b.Col(2).ValueStr(i))
		}
		return nil
	}}, func(b *vec.Batch, out op.Emitter) error {
		o.seen.Add(1)
		if gate != nil {
			<-gate
		}
		return out.Emit(b)
	})
	return start(context.Background(), p, r)
}

// checkpoint makes one while the operator takes a batch now and then.
func (o *overtaken) checkpoint(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	store, gate := &checkpoint.Memory{}, make(chan struct{})
	j, err := o.start(1, nil, store, gate)
	if err != nil {
		t.Fatal(err)
	}
	for o.seen.Load() < 1 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // the source reads ahead, as far as it may
	done := make(chan error, 1)
	go func() { done <- j.Checkpoint() }()
	for n, waiting := 0, true; waiting; n++ {
		select {
		case gate <- struct{}{}:
			time.Sleep(20 * time.Millisecond)
		case err = <-done:
			waiting = false
		}
		if n > 30 {
			t.Fatal("the checkpoint waits for what is queued")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	j.Cancel()
	close(gate)
	<-j.Done()
	from, _ := store.Latest(context.Background())
	return from
}

// TestOvertakes has a checkpoint of rows that wait for a slow operator: it does not wait for them, and one who goes on from it
// handles them.
func TestOvertakes(t *testing.T) {
	o := newOvertaken()
	from := o.checkpoint(t)
	flights, first := 0, len(o.got)
	for name := range from.Tasks {
		if strings.HasSuffix(name, checkpoint.FlightSuffix) {
			flights++
		}
	}
	if flights != 1 {
		t.Errorf("%d tasks have something on its way", flights)
	}
	j, err := o.start(1, from, &checkpoint.Memory{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Wait(); err != nil {
		t.Fatal(err)
	}
	if k := len(o.all) - len(o.got); k < 5 || k > first+5 || !slices.Equal(o.got, o.all[k:]) {
		t.Errorf("%d rows came before, %d behind the checkpoint, of %d", first, len(o.got), len(o.all))
	}
	var one *checkpoint.OneParallelism
	if _, err := o.start(2, from, &checkpoint.Memory{}, nil); !errors.As(err, &one) {
		t.Errorf("at another parallelism: %v", err)
	}
}
