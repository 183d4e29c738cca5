package exec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"weir/exec/checkpoint"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// Where a slow operator lets rows queue up before it, a barrier takes as long to come through as they do. Such a checkpoint goes
// on unaligned: the overseer has every task overtake. The task sends the barrier on ahead of what it has not handled yet and
// saves its state; what comes in to each port before the barrier that its sender has sent on is on its way, and is saved beside
// the state. One who restores the checkpoint handles that first. A barrier is sent without credit then, so that it comes at once.
//
// The cut is as consistent as an aligned one: what a sender sent before its barrier is either in the receiver's state or on its way.

// flight is what is on its way to a task whose part of a checkpoint is not complete yet.
type flight struct {
	id   int64
	part *checkpoint.Task
	open []bool // ports whose barrier has not come
	left int    // of them
	// was is what ports were like, come what is on its way: rows, watermarks and idleness, in order.
	was  []port
	come [][]event
}

// control does what comes before all that is queued.
func (t *task) control() error {
	if id := t.in.overtaking(); id > t.acked {
		t.now = t.run.clock().UnixMicro()
		if err := t.overtake(id); err != nil {
			return t.blame(err)
		}
	}
	if t.flight != nil {
		return t.blame(t.look())
	}
	return nil
}

// overtake passes the barrier of a checkpoint on ahead of what is queued.
func (t *task) overtake(id int64) error {
	if t.ended || t.finishing || t.restoredEnd || t.halted || t.inTurns {
		return nil // what it has to say was said, or comes with its end
	}
	t.urgent = true
	defer func() { t.urgent = false }()
	if t.src != nil {
		if t.src.turns != nil {
			return nil
		}
		return t.src.barrier(id)
	}
	f := &flight{id: id, open: make([]bool, len(t.ports)), was: slices.Clone(t.ports), come: make([][]event, len(t.ports))}
	for i := range t.ports {
		p := &t.ports[i]
		if f.open[i] = !p.ended && !(p.blocked && t.barrier == id); f.open[i] {
			f.left++
		}
	}
	t.unalign()
	t.dropFlight()
	if err := t.head.barrier(id); err != nil {
		return err
	}
	var err error
	f.part, err = t.part(id, false)
	t.flight = f
	return err
}

// unalign lets go of a barrier that is being aligned.
func (t *task) unalign() {
	t.barrier, t.arrived = 0, 0
	for i := range t.ports {
		t.ports[i].blocked = false
	}
}

// dropFlight gives up a part of a checkpoint that came to nothing.
func (t *task) dropFlight() {
	if t.flight != nil {
		t.flight.part.Close()
		t.flight = nil
	}
}

// look closes the ports whose barrier has come: what is queued before it is on its way.
func (t *task) look() error {
	f := t.flight
	ahead, seen := make([][]event, len(t.ports)), make([]bool, len(t.ports))
	visit := func(e *event) {
		if e.kind > endEvent || !f.open[e.port] || seen[e.port] {
			return
		}
		switch {
		case e.kind == endEvent || e.kind == barrierEvent && e.id == f.id:
			seen[e.port] = true
		case e.kind <= idleEvent:
			ahead[e.port] = append(ahead[e.port], *e)
		}
	}
	for i := range t.ports {
		for k := range t.ports[i].pending {
			visit(&t.ports[i].pending[k])
		}
	}
	t.in.each(visit)
	for i, come := range seen {
		if come {
			f.come[i] = append(f.come[i], ahead[i]...)
			f.close(i)
		}
	}
	return t.land()
}

func (f *flight) close(port int) {
	if f.open[port] {
		f.open[port] = false
		f.left--
	}
}

// record keeps what a port gives while its barrier is still to come.
func (t *task) record(e *event) {
	if f := t.flight; f != nil && e.kind <= idleEvent && f.open[e.port] {
		f.come[e.port] = append(f.come[e.port], *e)
	}
}

// land completes the task's part of a checkpoint once nothing is missing.
func (t *task) land() error {
	f := t.flight
	if f == nil || f.left > 0 {
		return nil
	}
	t.flight = nil
	var err error
	if f.part.Flight, err = f.picture(t.headID); err != nil {
		f.part.Close()
		return err
	}
	t.run.acknowledge(ack{t.name, f.id, f.part})
	return nil
}

// What a flight's entries are.
const (
	portEntry = 'p' // watermark, idle, behind
	rowsEntry = 'b'
	timeEntry = 'w'
	idleEntry = 'i'
)

// picture keeps the flight: by plan node, port and order. Nil: there is nothing on its way.
func (f *flight) picture(node string) (state.Snapshot, error) {
	if !slices.ContainsFunc(f.come, func(list []event) bool { return len(list) > 0 }) {
		return nil, nil
	}
	store := state.NewMemory()
	for i, list := range f.come {
		var err error
		put := func(n int, value []byte) {
			key := binary.BigEndian.AppendUint32(append([]byte(node), 0), uint32(i))
			if e := store.Set(binary.BigEndian.AppendUint32(key, uint32(n)), value); err == nil {
				err = e
			}
		}
		p := &f.was[i]
		put(0, append(binary.BigEndian.AppendUint64([]byte{portEntry}, uint64(p.wm)), flag(p.idle), flag(p.behind)))
		for n, e := range list {
			switch e.kind {
			case batchEvent:
				text, failed := encodeBatch(e.batch)
				if failed != nil {
					return nil, failed
				}
				put(n+1, append([]byte{rowsEntry}, text...))
			case watermarkEvent:
				put(n+1, binary.BigEndian.AppendUint64([]byte{timeEntry}, uint64(e.time)))
			case idleEvent:
				put(n+1, []byte{idleEntry})
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return store.Snapshot()
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// encodeBatch writes a batch: the number of its kinds, they, and its columns as an Arrow stream.
func encodeBatch(b *vec.Batch) ([]byte, error) {
	var out bytes.Buffer
	out.Write(binary.AppendUvarint(nil, uint64(len(b.Kinds))))
	for _, k := range b.Kinds {
		out.WriteByte(byte(k))
	}
	w := ipc.NewWriter(&out, ipc.WithSchema(b.Rows.Schema()))
	if err := w.Write(b.Rows); err != nil {
		return nil, fmt.Errorf("rows on their way: %w", err)
	}
	return out.Bytes(), w.Close()
}

func decodeBatch(text []byte) (*vec.Batch, error) {
	n, size := binary.Uvarint(text)
	if size <= 0 || uint64(len(text)-size) < n {
		return nil, fmt.Errorf("rows on their way are damaged")
	}
	var kinds []types.RowKind
	for _, k := range text[size : size+int(n)] {
		kinds = append(kinds, types.RowKind(k))
	}
	r, err := ipc.NewReader(bytes.NewReader(text[size+int(n):]))
	if err != nil {
		return nil, fmt.Errorf("rows on their way: %w", err)
	}
	rows, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("rows on their way: %w", err)
	}
	return vec.New(r.Schema(), slices.Clone(rows.Columns()), int(rows.NumRows()), kinds), nil
}

// refill takes back what was on its way when a checkpoint was made.
func (a *assembly) refill(from *checkpoint.Checkpoint) error {
	if from == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(from.Tasks)) {
		task, ok := strings.CutSuffix(name, checkpoint.FlightSuffix)
		if !ok {
			continue
		}
		stage, place, _ := strings.Cut(task, "/")
		instance := 0
		if _, err := fmt.Sscan(place, &instance); err != nil {
			return fmt.Errorf("checkpoint: task %q: %w", name, err)
		}
		were := len(partsOf(stage, from))
		err := from.Tasks[name].State.Scan(nil, nil, func(key, value []byte) error {
			id, place, _ := bytes.Cut(key, []byte{0})
			if a.lost[string(id)] {
				return nil
			}
			s, node := a.stageOf(string(id))
			port := int(binary.BigEndian.Uint32(place))
			if s == nil || s.head != node || s.parallelism != were || port >= len(s.tasks[instance].ports) {
				return &checkpoint.OneParallelism{Checkpoint: from.ID, Operator: string(id), Parallelism: were}
			}
			return s.tasks[instance].resume(port, value)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *assembly) stageOf(id string) (*stage, planner.Node) {
	for node, s := range a.graph.of {
		if node.Info().ID == id && !isExchange(node) {
			return s, node
		}
	}
	return nil, nil
}

// resume puts back what a port was like and what was on its way to it.
func (t *task) resume(port int, value []byte) error {
	p, e := &t.ports[port], event{port: port}
	switch value[0] {
	case portEntry:
		p.wm, p.idle, p.behind = types.Time(binary.BigEndian.Uint64(value[1:])), value[9] == 1, value[10] == 1
		return nil
	case rowsEntry:
		b, err := decodeBatch(value[1:])
		if err != nil {
			return err
		}
		e.kind, e.batch, e.rows, e.bytes = batchEvent, b, b.Len(), sizeOf(b)
	case timeEntry:
		e.kind, e.time = watermarkEvent, types.Time(binary.BigEndian.Uint64(value[1:]))
	case idleEntry:
		e.kind = idleEvent
	}
	p.from.take(&e, true)
	p.pending = append(p.pending, e)
	t.waiting++
	return nil
}
