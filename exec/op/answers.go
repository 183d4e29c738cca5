package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// answerCache is the rows of keys, while rows wait for them and as long as they are kept behind that. A key is known by
// the number that keys gives it.
type answerCache struct {
	keys  *vec.Groups
	store rowStore
	all   []answer
	keep  planner.PartialCache
	kept  int64 // rows of answers that nothing waits for, at least 1 an answer
	// Answers that nothing waits for, from the least recently used to the last; -1: none.
	oldest, newest int32
	shelf          shelf
	schema         *arrow.Schema // of answers
}

// answer is what is known of a key.
type answer struct {
	rows    []int32 // in the store
	waiting int32   // rows that wait for it, or for their turn
	asked   bool
	there   bool
	lost    bool  // the request failed: as without rows, but not kept
	idle    bool  // in the list of those that nothing waits for
	place   int32 // of its rows on the shelf, from 1; 0: they are not there
	written int64 // microseconds
	used    int64
	before  int32
	after   int32
}

func newAnswerCache(key []types.Type, keep planner.PartialCache) *answerCache {
	return &answerCache{keys: vec.NewGroups(key...), keep: keep, oldest: -1, newest: -1}
}

// want counts a row in that waits for a key, and tells whether it is to be asked for.
func (a *answerCache) want(gid int32, now int64) bool {
	for int(gid) >= len(a.all) {
		a.all = append(a.all, answer{})
	}
	k := &a.all[gid]
	if k.idle {
		a.unlink(gid)
		if a.old(k, now) {
			a.forget(k)
		}
	}
	k.waiting++
	k.used = now
	if k.there || k.asked {
		return false
	}
	k.asked = true
	return true
}

func (a *answerCache) old(k *answer, now int64) bool {
	return a.keep.AfterWrite > 0 && now >= k.written+a.keep.AfterWrite.Microseconds() ||
		a.keep.AfterAccess > 0 && now >= k.used+a.keep.AfterAccess.Microseconds()
}

// forget drops a key's rows.
func (a *answerCache) forget(k *answer) {
	for _, r := range k.rows {
		a.store.drop(r)
	}
	k.rows, k.there, k.asked, k.place = nil, false, false, 0
}

// answer takes the rows of keys that were asked for: which of gids each is of, then its columns.
func (a *answerCache) answer(gids []int32, b *vec.Batch, codec *rowCodec, now int64) {
	of := vec.Values[int64](b.Col(0))
	if a.schema == nil {
		a.schema = codec.schema.Arrow()
	}
	rows := codec.encode(vec.New(a.schema, b.Rows.Columns()[1:], b.Len(), nil))
	for i := range b.Len() {
		k := &a.all[gids[of[i]]]
		k.rows = append(k.rows, a.store.put(rows.At(i), nil))
	}
	for _, gid := range gids {
		a.all[gid].there, a.all[gid].written = true, now
	}
}

// unwanted drops a key that no row waits for.
func (a *answerCache) unwanted(gid int32) {
	if a.keys.Live(gid) && (int(gid) >= len(a.all) || a.all[gid].waiting == 0 && !a.all[gid].idle) {
		a.keys.Delete(gid)
	}
}

// missing notes keys that a request failed for as ones without rows, which are not kept.
func (a *answerCache) missing(gids []int32) {
	for _, gid := range gids {
		a.all[gid].there, a.all[gid].lost = true, true
	}
}

func (a *answerCache) has(gid int32) bool { return a.all[gid].there }

// done counts a row out. An answer that nothing waits for is kept or dropped.
func (a *answerCache) done(gid int32) {
	k := &a.all[gid]
	if k.waiting--; k.waiting > 0 {
		return
	}
	if a.keep.MaxRows == 0 || !k.there || k.lost || len(k.rows) == 0 && !a.keep.Missing {
		a.remove(gid)
		return
	}
	a.link(gid)
}

func (a *answerCache) remove(gid int32) {
	a.forget(&a.all[gid])
	a.all[gid] = answer{}
	a.keys.Delete(gid)
}

// trim drops what is too old and too much.
func (a *answerCache) trim(now int64) {
	for a.oldest >= 0 {
		k := &a.all[a.oldest]
		if a.kept <= a.keep.MaxRows && !a.old(k, now) {
			return
		}
		gid := a.oldest
		a.unlink(gid)
		a.remove(gid)
	}
}

func (k *answer) weight() int64 { return int64(max(1, len(k.rows))) }

func (a *answerCache) link(gid int32) {
	k := &a.all[gid]
	k.idle, k.before, k.after = true, a.newest, -1
	if a.newest >= 0 {
		a.all[a.newest].after = gid
	} else {
		a.oldest = gid
	}
	a.newest = gid
	a.kept += k.weight()
}

func (a *answerCache) unlink(gid int32) {
	k := &a.all[gid]
	if k.before >= 0 {
		a.all[k.before].after = k.after
	} else {
		a.oldest = k.after
	}
	if k.after >= 0 {
		a.all[k.after].before = k.before
	} else {
		a.newest = k.before
	}
	k.idle = false
	a.kept -= k.weight()
}

// bytes estimates the memory held.
func (a *answerCache) bytes() int64 {
	return a.keys.Bytes() + a.store.bytes() + a.shelf.bytes + int64(cap(a.all))*80
}
