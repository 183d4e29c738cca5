package local

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// shardDesc is what is stored of a shard besides its records.
type shardDesc struct {
	Index   uint32
	Parents []uint32 `json:",omitempty"` // none, the split shard, or both merged ones
	Hash    hashRange
	Start   position // before the first record
	End     position `json:",omitempty"` // after the last record; 0 while the shard is open
}

// shard is a shard in a snapshot.
type shard struct {
	shardDesc
	log *shardLog
}

// shardLog is the moving part of a shard, shared by all snapshots.
type shardLog struct {
	tail atomic.Uint64 // position of the last durable record, or the shard's Start
	// find gives the tail of a shard that was there when the server started: it is looked for when it is first wanted, since
	// a thousand shards take seconds. Nil: tail is it.
	find  func() position
	found sync.Once

	limits shardLimits
	stats  shardStats

	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// change is closed when the shard next gets records or its stream changes. To miss nothing, ask for it first and look
// at the shard afterwards.
func (l *shardLog) change() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

func (l *shardLog) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (s *shard) tail() position {
	if s.log.find != nil {
		s.log.found.Do(func() { s.log.tail.Store(uint64(s.log.find())) })
	}
	return position(s.log.tail.Load())
}
func (s *shard) open() bool { return s.End == 0 }
func (s *shard) id() string { return shardID(s.Index) }

func shardID(index uint32) string { return fmt.Sprintf("shardId-%012d", index) }

// parseShardID accepts the ids that this server gives out.
func parseShardID(id string) (uint32, bool) {
	digits, ok := strings.CutPrefix(id, "shardId-")
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && len(digits) == 12
}

// streamDesc is what is stored of a stream.
type streamDesc struct {
	Name             string
	ID               uint64
	CreatedMs        int64
	OnDemand         bool              `json:",omitempty"`
	AutoDistribution bool              `json:",omitempty"` // ignore partition keys, spread records evenly
	RetentionHours   int               // 24 to 8760
	MaxRecordKiB     int               // 1024 to 10240
	WarmMiBps        int               `json:",omitempty"`
	Tags             map[string]string `json:",omitempty"`
	Consumers        []consumerDesc    `json:",omitempty"` // by Name
	ScaledMs         []int64           `json:",omitempty"` // the last calls of UpdateShardCount
	KeyID            string            `json:",omitempty"` // of KMS; empty: not encrypted
	ShardMetrics     []string          `json:",omitempty"` // a subset of shardMetrics in its order
	// Policies and tags of the stream, under "", and of its consumers, under their names.
	Policies     map[string]string            `json:",omitempty"`
	ConsumerTags map[string]map[string]string `json:",omitempty"`
	Shards       []shardDesc                  // by Index, which rises but may have gaps: expired shards leave
	NextShard    uint32
	// A change of status shows as Changing until UntilMs and is then over, so no timer is needed.
	Changing string `json:",omitempty"`
	UntilMs  int64  `json:",omitempty"`
}

// stream is an immutable snapshot of a stream.
type stream struct {
	desc   streamDesc
	shards []*shard // by index
	open   []*shard // by first hash key
	stats  *streamStats
}

// newStream makes a snapshot; logs and counts known before are carried over.
func newStream(desc streamDesc, before *stream) *stream {
	st := &stream{desc: desc, stats: &streamStats{}}
	if before != nil {
		st.stats = before.stats
	}
	for _, d := range desc.Shards {
		sh := &shard{shardDesc: d}
		if before != nil {
			if old := before.shard(d.Index); old != nil {
				sh.log = old.log
			}
		}
		if sh.log == nil {
			sh.log = &shardLog{}
			sh.log.tail.Store(uint64(d.Start))
		}
		st.shards = append(st.shards, sh)
		if sh.open() {
			st.open = append(st.open, sh)
		}
	}
	sort.Slice(st.open, func(i, j int) bool { return st.open[i].Hash.First.less(st.open[j].Hash.First) })
	return st
}

// shard is the shard of an index, nil when there is none.
func (st *stream) shard(index uint32) *shard {
	i, ok := slices.BinarySearchFunc(st.shards, index, func(s *shard, want uint32) int {
		return int(int64(s.Index) - int64(want))
	})
	if !ok {
		return nil
	}
	return st.shards[i]
}

// route is the open shard which owns a hash key; the open shards cover all keys.
func (st *stream) route(h hash128) *shard {
	i := sort.Search(len(st.open), func(i int) bool { return h.less(st.open[i].Hash.First) })
	return st.open[i-1]
}

// children are the shards that a closed shard was split or merged into.
func (st *stream) children(index uint32) []*shard {
	var found []*shard
	for _, sh := range st.shards {
		if slices.Contains(sh.Parents, index) {
			found = append(found, sh)
		}
	}
	return found
}

// wake tells the subscribers of all shards to look again.
func (st *stream) wake() {
	for _, sh := range st.shards {
		sh.log.wake()
	}
}

func (st *stream) status(nowMs int64) string {
	if st.desc.Changing != "" && nowMs < st.desc.UntilMs {
		return st.desc.Changing
	}
	return statusActive
}

// gone says that the deletion of the stream is over.
func (st *stream) gone(nowMs int64) bool {
	return st.desc.Changing == statusDeleting && nowMs >= st.desc.UntilMs
}

// horizon is the first position that retention still keeps.
func (st *stream) horizon(nowMs int64) position {
	return positionAt(nowMs - int64(st.desc.RetentionHours)*3_600_000)
}

func (st *stream) mode() string {
	if st.desc.OnDemand {
		return modeOnDemand
	}
	return modeProvisioned
}

const (
	statusActive    = "ACTIVE"
	statusCreating  = "CREATING"
	statusUpdating  = "UPDATING"
	statusDeleting  = "DELETING"
	modeOnDemand    = "ON_DEMAND"
	modeProvisioned = "PROVISIONED"
)

// catalog holds the newest snapshot of each stream. Only the writer goroutine changes it.
type catalog struct {
	mu     sync.RWMutex
	byName map[string]*stream
	byID   map[uint64]*stream
}

func newCatalog() *catalog {
	return &catalog{byName: map[string]*stream{}, byID: map[uint64]*stream{}}
}

func (c *catalog) named(name string) *stream {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byName[name]
}

func (c *catalog) withID(id uint64) *stream {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byID[id]
}

func (c *catalog) put(st *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byName[st.desc.Name], c.byID[st.desc.ID] = st, st
	st.wake()
}

func (c *catalog) remove(st *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byName, st.desc.Name)
	delete(c.byID, st.desc.ID)
	st.wake()
}

// all lists the streams by name.
func (c *catalog) all() []*stream {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]*stream, 0, len(c.byName))
	for _, st := range c.byName {
		list = append(list, st)
	}
	slices.SortFunc(list, func(a, b *stream) int { return strings.Compare(a.desc.Name, b.desc.Name) })
	return list
}
