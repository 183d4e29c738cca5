package local

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	maxSubscriptions     = 1024
	maxRefusing          = 64 // calls beyond maxSubscriptions, which are on their way to an error
	subscriptionLife     = 5 * time.Minute
	subscriptionTakeover = 5 * time.Second // a younger subscription cannot be taken over
	subscriptionPulse    = time.Second     // between events when nothing happens
	eventBytes           = 1 << 20         // of records in an event
	eventWriteTimeout    = 30 * time.Second
)

// subscriptionKey is what there is one subscription of at a time.
type subscriptionKey struct {
	consumer string // ARN
	shard    uint32
}

type subscription struct {
	key      subscriptionKey
	sinceMs  int64
	ended    bool
	replaced chan struct{} // closed when a later subscription takes over
}

// young says that no other call may have this one's place yet, whether or not it still runs.
func (sub *subscription) young(nowMs int64) bool {
	age := nowMs - sub.sinceMs
	return age >= 0 && age < subscriptionTakeover.Milliseconds()
}

// subscriptions are the running ones, and those which ended young.
type subscriptions struct {
	mu     sync.Mutex
	latest map[subscriptionKey]*subscription
	count  int // of those whose goroutine runs
}

func (s *Server) beginSubscription(key subscriptionKey) (*subscription, error) {
	r := &s.subscriptions
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count >= maxSubscriptions {
		return nil, limitExceeded("The local Kinesis server has %d subscriptions, the most it can have.", maxSubscriptions)
	}
	now := s.nowMs()
	maps.DeleteFunc(r.latest, func(_ subscriptionKey, sub *subscription) bool { return sub.ended && !sub.young(now) })
	if old := r.latest[key]; old != nil {
		if old.young(now) {
			return nil, resourceInUse("Another active subscription exists for this consumer: %s and shard %s.", key.consumer, shardID(key.shard))
		}
		close(old.replaced)
	}
	if r.latest == nil {
		r.latest = map[subscriptionKey]*subscription{}
	}
	sub := &subscription{key: key, sinceMs: now, replaced: make(chan struct{})}
	r.latest[key] = sub
	r.count++
	return sub, nil
}

// of is the number of subscriptions of a consumer.
func (r *subscriptions) of(consumer string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for key, sub := range r.latest {
		if key.consumer == consumer && !sub.ended {
			n++
		}
	}
	return n
}

// total is the number of subscriptions.
func (r *subscriptions) total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

func (s *Server) endSubscription(sub *subscription) {
	r := &s.subscriptions
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count--
	sub.ended = true
}

// subscribeToShard pushes the records of a shard to an enhanced fan-out consumer, for up to five minutes.
func subscribeToShard(ctx context.Context, s *Server, wire codec, body []byte, w http.ResponseWriter) error {
	r := &subscribeRequest{}
	if err := wire.decode(body, r); err != nil {
		return newError("SerializationException", "%v", err)
	}
	v := &validation{}
	if v.required("consumerARN", r.ConsumerARN != nil) {
		v.text("consumerARN", r.ConsumerARN, 1, 2048, &consumerARNText)
	}
	v.shardID("shardId", r.ShardID)
	if v.required("startingPosition", r.StartingPosition != nil) {
		v.oneOf("startingPosition.type", &r.StartingPosition.Type, iteratorTypes...)
		v.text("startingPosition.sequenceNumber", r.StartingPosition.SequenceNumber, 1, 129, &sequencePattern)
	}
	if err := v.err(); err != nil {
		return err
	}
	st, consumer, err := s.findConsumer(&consumerRef{ConsumerARN: r.ConsumerARN})
	if err != nil {
		return err
	}
	if status := s.shapeConsumer(st, consumer).ConsumerStatus; status != statusActive {
		return resourceInUse("Consumer %s is not ACTIVE, instead in state %s", *r.ConsumerARN, status)
	}
	sh, err := s.findShard(st, *r.ShardID)
	if err != nil {
		return err
	}
	p := r.StartingPosition
	next, err := s.startOf(st, sh, &getShardIteratorRequest{ShardIteratorType: &p.Type, StartingSequenceNumber: p.SequenceNumber, Timestamp: p.Timestamp})
	if err != nil {
		return err
	}
	if r.DryRun {
		return dryRun()
	}
	sub, err := s.beginSubscription(subscriptionKey{*r.ConsumerARN, sh.Index})
	if err != nil {
		st.stats.subscribeRefused.Add(1)
		return err
	}
	defer s.endSubscription(sub)
	st.stats.subscribe.succeeded.Add(1)
	push := &pusher{server: s, wire: wire, w: w, control: http.NewResponseController(w),
		streamID: st.desc.ID, consumer: consumer, log: sh.log, shard: sh.Index, next: next}
	push.run(ctx, sub)
	return errStreamed
}

// pusher is the sending side of one subscription.
type pusher struct {
	server   *Server
	wire     codec
	w        http.ResponseWriter
	control  *http.ResponseController
	streamID uint64
	consumer consumerDesc
	log      *shardLog
	shard    uint32
	next     position
	sent     int // bytes of keys and data in the last event
}

// run sends events until the shard or the subscription ends, or the client is gone. Each event is sent
// before the next page is read, so a slow client slows its own subscription and nothing is buffered.
func (p *pusher) run(ctx context.Context, sub *subscription) {
	p.w.Header().Set("Content-Type", eventStreamType)
	p.control.SetReadDeadline(time.Time{}) // the request is read; the connection only tells of the client's end
	if p.send(appendEvent(nil, "initial-response", p.wire.contentType(), p.encode(empty{}))) != nil {
		return
	}
	life := time.NewTimer(subscriptionLife)
	defer life.Stop()
	pulse := time.NewTicker(subscriptionPulse)
	defer pulse.Stop()
	quiet := false // an empty event is due only at the start and at a pulse
	for {
		change := p.log.change()
		event, more := p.read()
		if event == nil {
			return
		}
		if len(event.Records) > 0 || !quiet || event.ContinuationSequenceNumber == "" {
			if p.send(appendEvent(nil, "SubscribeToShardEvent", p.wire.contentType(), p.encode(event))) != nil || event.ContinuationSequenceNumber == "" {
				return
			}
		}
		quiet = true
		if pause := p.pause(); more || pause > 0 {
			change = closedAfter(pause)
		}
		select {
		case <-change:
		case <-pulse.C:
			quiet = false
		case <-life.C:
			return
		case <-sub.replaced:
			return
		case <-p.server.stopping:
			return
		case <-ctx.Done():
			return
		}
	}
}

func closedAfter(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	if d <= 0 {
		close(c)
	} else {
		time.AfterFunc(d, func() { close(c) })
	}
	return c
}

// pause is how long the service takes for the last event: a consumer gets as much from a shard in a second as all others
// together by GetRecords.
func (p *pusher) pause() time.Duration {
	if !p.server.opts.EnforceLimits {
		return 0
	}
	return time.Duration(p.sent) * time.Second / readBytesLimit
}

// read makes the next event of what there is; more says that there is yet more. It is nil when the stream or
// the consumer is gone, or the store fails.
func (p *pusher) read() (event *subscribeEvent, more bool) {
	s := p.server
	now := s.nowMs()
	st := s.catalog.withID(p.streamID)
	if st == nil || st.status(now) == statusDeleting || st.gone(now) || !slices.Contains(st.desc.Consumers, p.consumer) {
		return nil, false
	}
	sh := st.shard(p.shard)
	if sh == nil {
		return nil, false
	}
	page, err := s.readPage(st, sh, max(p.next, st.horizon(now)), maxGetRecords, eventBytes, nil)
	if err != nil {
		s.opts.Logger.Error("kinesis subscription failed", "stream", st.desc.Name, "shard", sh.id(), "error", err)
		return nil, false
	}
	p.next, p.sent = page.next, page.bytes
	age := int64(0)
	if page.next <= page.tail {
		age = max(1, now-page.lastMs)
	}
	p.log.stats.gave(&page, -1)
	st.stats.gave(&page, -1)
	st.stats.subscribeEvent.carried(page.count, page.bytes)
	st.stats.subscribeEvent.succeeded.Add(1)
	st.stats.behindMs.Store(age)
	event = &subscribeEvent{Records: page.records, ContinuationSequenceNumber: formatSequence(sh.Index, page.next-1)}
	if more = page.next <= page.tail; more {
		event.MillisBehindLatest = age
	} else if !sh.open() {
		event.ContinuationSequenceNumber = ""
		for _, child := range st.children(sh.Index) {
			event.ChildShards = append(event.ChildShards, shapeChild(child))
		}
	}
	return event, more
}

func (p *pusher) encode(value any) []byte {
	payload, err := p.wire.encode(value)
	if err != nil {
		panic("our own shapes always have a wire form: " + err.Error())
	}
	return payload
}

// send writes and flushes a frame; a client which does not take it in time is gone.
func (p *pusher) send(frame []byte) error {
	p.control.SetWriteDeadline(time.Now().Add(eventWriteTimeout))
	if _, err := p.w.Write(frame); err != nil {
		return err
	}
	return p.control.Flush()
}
