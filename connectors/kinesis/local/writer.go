package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	writerQueue    = 256         // requests waiting for the writer
	groupRequests  = 256         // requests in one commit
	stuckAfter     = time.Second // after which a waiting job asks whether the disk is full
	groupBytes     = 8 << 20     // record bytes in one commit, unless a single request has more
	recordOverhead = recordKeyBytes + 16
)

// putEntry is one record on its way into a stream.
type putEntry struct {
	hash hash128
	key  string
	data []byte
}

// putResult says where a record went, or why it did not.
type putResult struct {
	shard    uint32
	position position
	err      *apiError
}

// job is one request to the writer: a put (entries), or a control operation (control).
type job struct {
	streamID uint64
	entries  []putEntry
	results  []putResult

	control func() error

	err  error
	done chan struct{}
}

// writer makes every change of the store, one group after the other, so that sequence numbers are
// given and shards are closed without a race. Puts which queue up while a group syncs form the
// next group.
type writer struct {
	server *Server
	queue  chan *job
	stop   chan struct{} // closed: accept no more
	ended  chan struct{} // closed: the goroutine is gone
	once   sync.Once

	turn  uint64 // of the even spread over shards
	tails map[*shardLog]*advance
}

// advance is what a group does to a shard, not yet durable.
type advance struct {
	stream         *stream
	tail           position
	records, bytes int
}

func startWriter(s *Server) *writer {
	w := &writer{
		server: s,
		queue:  make(chan *job, writerQueue),
		stop:   make(chan struct{}),
		ended:  make(chan struct{}),
		tails:  map[*shardLog]*advance{},
	}
	go w.run()
	return w
}

// submit queues a job and waits for its end. A job which was queued is done even when ctx ends meanwhile:
// then its outcome is unknown to the caller, as with any lost reply.
func (w *writer) submit(ctx context.Context, j *job) error {
	j.done = make(chan struct{})
	select {
	case <-w.stop:
		return errClosing()
	default:
	}
	select {
	case w.queue <- j:
	case <-w.stop:
		return errClosing()
	case <-ctx.Done():
		return ctx.Err()
	}
	return w.await(ctx, j)
}

// await waits for the end of a queued job.
func (w *writer) await(ctx context.Context, j *job) error {
	stuck := time.NewTimer(stuckAfter)
	defer stuck.Stop()
	for {
		select {
		case <-j.done:
			return j.err
		case <-w.ended:
			select {
			case <-j.done:
				return j.err
			default:
				return errClosing()
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-stuck.C:
			// A commit which waits for space on the disk may wait for ever: the outcome is unknown.
			if disk := w.server.store.disk; disk != nil && disk.waiting.Load() {
				return errDiskFull(disk.dir)
			}
			stuck.Reset(stuckAfter)
		}
	}
}

// do runs a control operation in the writer's goroutine.
func (w *writer) do(ctx context.Context, control func() error) error {
	return w.submit(ctx, &job{control: control})
}

// close lets queued jobs finish and ends the goroutine. It gives up when ctx ends while the disk is full.
func (w *writer) close(ctx context.Context) error {
	w.once.Do(func() { close(w.stop) })
	for {
		select {
		case <-w.ended:
			return nil
		case <-time.After(stuckAfter):
			if disk := w.server.store.disk; disk != nil && disk.waiting.Load() && ctx.Err() != nil {
				return fmt.Errorf("kinesis server stopped before its store: the disk with %q is full", disk.dir)
			}
		}
	}
}

func (w *writer) run() {
	defer close(w.ended)
	for {
		select {
		case j := <-w.queue:
			w.serve(j)
		case <-w.stop:
			for {
				select {
				case j := <-w.queue:
					w.serve(j)
				default:
					return
				}
			}
		}
	}
}

// serve handles j and whatever else is queued: puts in one group, control operations on their own.
func (w *writer) serve(j *job) {
	for j != nil {
		if j.control != nil {
			j.err = j.control()
			close(j.done)
			return
		}
		var group []*job
		group, j = w.gather(j)
		w.commit(group)
	}
}

// gather takes queued puts up to the limits of a group; rest is a job which was taken but is not part of it.
func (w *writer) gather(first *job) (group []*job, rest *job) {
	group = []*job{first}
	size := first.size()
	for len(group) < groupRequests {
		select {
		case j := <-w.queue:
			if j.control != nil || size+j.size() > groupBytes {
				return group, j
			}
			group, size = append(group, j), size+j.size()
		default:
			return group, nil
		}
	}
	return group, nil
}

func (j *job) size() int {
	n := 0
	for i := range j.entries {
		n += len(j.entries[i].data) + len(j.entries[i].key) + recordOverhead
	}
	return n
}

// commit writes a group with one sync, then moves the tails and answers.
func (w *writer) commit(group []*job) {
	total := 0
	for _, j := range group {
		total += j.size()
	}
	b := w.server.store.db.NewBatchWithSize(total + 64)
	nowMs := w.server.nowMs()
	disk := w.server.store.disk
	if disk != nil {
		disk.look()
	}
	for _, j := range group {
		if w.server.store.full() {
			j.err = errDiskFull(disk.dir)
			continue
		}
		w.assign(b, j, nowMs)
	}
	var err error
	if !b.Empty() {
		err = b.Commit(w.server.store.sync)
	}
	if err == nil {
		err = b.Close()
	}
	for log, a := range w.tails {
		if err == nil {
			log.tail.Store(uint64(a.tail))
			log.wake()
			log.stats.wrote(a.records, a.bytes)
			a.stream.stats.wrote(a.records, a.bytes)
		}
		delete(w.tails, log)
	}
	for _, j := range group {
		if err != nil {
			j.err = errors.Join(j.err, err)
		}
		close(j.done)
	}
}

// assign gives each record of a put its shard and position and adds it to the batch.
func (w *writer) assign(b *pebble.Batch, j *job, nowMs int64) {
	st := w.server.catalog.withID(j.streamID)
	if st == nil {
		j.err = newError("ResourceNotFoundException", "The stream was deleted.")
		return
	}
	format := recordPlain
	if st.desc.KeyID != "" {
		format = recordEncrypted
	}
	for i := range j.entries {
		e := &j.entries[i]
		sh := w.shardFor(st, e.hash)
		if w.server.opts.EnforceLimits && !sh.log.limits.write(nowMs, len(e.data)+len(e.key)) {
			j.results[i].err = w.server.rateExceeded(st, sh)
			sh.log.stats.writeThrottled.Add(1)
			st.stats.writeThrottled.Add(1)
			continue
		}
		a := w.tails[sh.log]
		if a == nil {
			a = &advance{stream: st, tail: sh.tail()}
			w.tails[sh.log] = a
		}
		at := a.tail.successor(nowMs)
		a.tail, a.records, a.bytes = at, a.records+1, a.bytes+len(e.data)+len(e.key)
		op := b.SetDeferred(recordKeyBytes, recordBytes(e.key, e.data))
		copy(op.Key, recordKey(st.desc.ID, sh.Index, at))
		appendRecord(op.Value[:0], format, e.key, e.data)
		must(op.Finish())
		j.results[i] = putResult{shard: sh.Index, position: at}
	}
}

func (w *writer) shardFor(st *stream, h hash128) *shard {
	if st.desc.AutoDistribution {
		w.turn++
		return st.open[w.turn%uint64(len(st.open))]
	}
	return st.route(h)
}
