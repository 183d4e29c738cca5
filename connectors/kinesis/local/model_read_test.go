package local

import (
	"slices"

	"pgregory.net/rapid"
)

// read checks one shard from a drawn start to its tip, in pages of a drawn size.
func (m *modelled) read(t *rapid.T) {
	name, st := m.pick(t)
	if st == nil {
		return
	}
	sh := rapid.SampledFrom(st.shards).Draw(t, "shard")
	request := &getShardIteratorRequest{streamRef: streamRef{StreamName: &name}, ShardID: &sh.id}
	kind := rapid.SampledFrom(iteratorTypes).Draw(t, "type")
	from := 0
	if n := len(sh.records); n > 0 {
		i := rapid.IntRange(0, n-1).Draw(t, "record")
		switch kind {
		case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
			request.StartingSequenceNumber = &sh.records[i].number
			if from = i; kind == "AFTER_SEQUENCE_NUMBER" {
				from++
			}
		case "AT_TIMESTAMP":
			ms := min(sh.records[i].atMs, m.nowMs())
			at := timestampOfMillis(ms)
			request.Timestamp = &at
			from = slices.IndexFunc(sh.records, func(r modelRecord) bool { return r.atMs >= ms })
		case "LATEST":
			from = n
		}
	} else if kind != "LATEST" {
		kind = "TRIM_HORIZON"
	}
	request.ShardIteratorType = &kind
	reply, err := m.server.getShardIterator(t.Context(), request)
	wantCode(t, err, "")
	c := &modelCursor{stream: st, shard: sh, next: from, iterator: reply.ShardIterator, issuedMs: m.nowMs()}
	for c.iterator != "" && m.readPage(t, c, rapid.IntRange(1, 8).Draw(t, "limit")) > 0 {
	}
	if c.iterator != "" {
		m.cursors = append(m.cursors, c)
	}
}

// readPage reads one page of a cursor and checks it; it gives how far the page is behind the tip.
func (m *modelled) readPage(t *rapid.T, c *modelCursor, limit int) int64 {
	page, err := m.server.getRecords(t.Context(), &getRecordsRequest{ShardIterator: &c.iterator, Limit: &limit})
	wantCode(t, err, "")
	want := c.stream.live(c.shard, c.next, m.nowMs())
	rest := want[min(limit, len(want)):]
	want = want[:len(want)-len(rest)]
	if len(page.Records) != len(want) {
		t.Fatalf("%s: %d records, want %d", c.shard.id, len(page.Records), len(want))
	}
	for i, got := range page.Records {
		w := want[i]
		if got.SequenceNumber != w.number || got.PartitionKey != w.key || string(got.Data) != w.data || int64(got.ApproximateArrivalTimestamp) != w.atMs*1000 {
			t.Fatalf("%s: record %+v, want %+v", c.shard.id, got, w)
		}
	}
	c.next = len(c.shard.records) - len(rest)
	if (page.MillisBehindLatest > 0) != (len(rest) > 0) {
		t.Fatalf("%s: %d ms behind, with %d records left", c.shard.id, page.MillisBehindLatest, len(rest))
	}
	if ended := c.shard.closed && len(rest) == 0; ended != (page.NextShardIterator == "") {
		t.Fatalf("%s: ended %v, next iterator %q", c.shard.id, ended, page.NextShardIterator)
	} else if ended {
		m.checkChildren(t, c, page.ChildShards)
	}
	c.iterator, c.issuedMs = page.NextShardIterator, m.nowMs()
	return page.MillisBehindLatest
}

func (m *modelled) checkChildren(t *rapid.T, c *modelCursor, got []childShard) {
	var want, ids []string
	for _, sh := range c.stream.shards {
		if slices.Contains(sh.parents, c.shard.id) {
			want = append(want, sh.id)
		}
	}
	for _, child := range got {
		ids = append(ids, child.ShardID)
	}
	if !slices.Equal(ids, want) {
		t.Fatalf("children of %s are %v, want %v", c.shard.id, ids, want)
	}
}

// follow goes on with an iterator from before, over whatever happened meanwhile.
func (m *modelled) follow(t *rapid.T) {
	if len(m.cursors) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.cursors)-1).Draw(t, "cursor")
	c := m.cursors[i]
	m.cursors = slices.Delete(m.cursors, i, i+1)
	known := false
	for _, st := range m.streams {
		known = known || st == c.stream
	}
	gone := !slices.Contains(c.stream.shards, c.shard)
	if expired := m.nowMs()-c.issuedMs > 300_000; expired || !known || gone {
		code := "ResourceNotFoundException"
		if expired {
			code = "ExpiredIteratorException"
		}
		_, err := m.server.getRecords(t.Context(), &getRecordsRequest{ShardIterator: &c.iterator})
		wantCode(t, err, code)
		return
	}
	m.readPage(t, c, 10000)
	if c.iterator != "" {
		m.cursors = append(m.cursors, c)
	}
}
