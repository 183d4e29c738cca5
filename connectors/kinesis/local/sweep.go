package local

import (
	"context"
	"time"
)

// sweepEvery deletes what retention no longer keeps, until ctx ends.
func (s *Server) sweepEvery(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case dropped := <-s.store.dropped:
			if err := s.store.compact(ctx, dropped); err != nil && ctx.Err() == nil {
				s.opts.Logger.Error("kinesis server: freeing space failed", "error", err)
			}
		case <-ticker.C:
			if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
				s.opts.Logger.Error("kinesis retention sweep failed", "error", err)
			}
		}
	}
}

// sweep goes over all streams once: deleted streams and expired records and shards leave the store.
func (s *Server) sweep(ctx context.Context) error {
	for _, st := range s.catalog.all() {
		idle, err := s.nothingToSweep(st)
		if err != nil {
			return err
		}
		if idle {
			continue
		}
		if err := s.writer.do(ctx, func() error { return s.sweepStream(st.desc.ID) }); err != nil {
			return err
		}
	}
	return nil
}

// nothingToSweep looks without disturbing the writer.
func (s *Server) nothingToSweep(st *stream) (bool, error) {
	now := s.nowMs()
	if st.gone(now) {
		return false, nil
	}
	horizon := st.horizon(now)
	for _, sh := range st.shards {
		if !sh.open() && sh.End < horizon {
			return false, nil
		}
		oldest, some, err := s.store.oldest(st.desc.ID, sh.Index)
		if err != nil || some && oldest < horizon {
			return false, err
		}
	}
	return true, nil
}

// sweepStream runs in the writer's goroutine.
func (s *Server) sweepStream(id uint64) error {
	st := s.catalog.withID(id)
	if st == nil {
		return nil
	}
	now := s.nowMs()
	if st.gone(now) {
		return s.purgeStream(st)
	}
	horizon := st.horizon(now)
	b := s.store.db.NewBatch()
	defer b.Close()
	desc := st.desc.clone()
	desc.Shards = desc.Shards[:0]
	for _, sh := range st.shards {
		if !sh.open() && sh.End < horizon {
			s.store.dropShard(b, id, sh.Index)
			continue
		}
		desc.Shards = append(desc.Shards, sh.shardDesc)
		// The horizon is a day ago at least, so the floor never makes sequence numbers run ahead of the clock.
		s.store.dropBefore(b, id, sh.Index, horizon)
	}
	if len(desc.Shards) < len(st.shards) {
		s.store.setStream(b, &desc)
	}
	if err := b.Commit(s.store.sync); err != nil {
		return err
	}
	if len(desc.Shards) < len(st.shards) {
		s.catalog.put(newStream(desc, st))
	}
	for _, sh := range st.shards {
		s.store.reclaim(recordKey(id, sh.Index, 0), recordKey(id, sh.Index, horizon))
	}
	return nil
}
