package local

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Keys start with their kind; numbers are big-endian, so that key order is the order of streams, shards
// and records, and a page of GetRecords is one range scan:
//
//	meta                      -> storeMeta as JSON
//	stream | id               -> streamDesc as JSON
//	floor  | id | shard       -> position below which retention has deleted
//	record | id | shard | pos -> record (see appendRecord)
const (
	kindMeta   byte = 1
	kindStream byte = 2
	kindFloor  byte = 3
	kindRecord byte = 4

	storeFormat = 1

	// The first byte of a record.
	recordPlain     byte = 1
	recordEncrypted byte = 2 // put while the stream was said to be encrypted; it is stored in the same form
)

// storeMeta is stored once: the format of all else, the next stream id and the key of tokens.
type storeMeta struct {
	Format       int
	NextStreamID uint64
	Secret       []byte
	Billing      billingDesc
}

// store is the Pebble database. Reads may come from any goroutine, writes only from the writer.
type store struct {
	db   *pebble.DB
	meta storeMeta
	sync *pebble.WriteOptions // of every commit
	disk *diskGuard           // nil in memory

	dropped chan span // whose space is to be freed
}

// full says that puts must wait for space on the disk.
func (s *store) full() bool { return s.disk != nil && s.disk.full.Load() }

// openStore opens or makes the database in dir; an empty dir keeps all in memory.
func openStore(opts Options) (*store, error) {
	cache := pebble.NewCache(opts.CacheBytes)
	defer cache.Unref() // the database holds its own reference
	config := &pebble.Options{
		Cache:                       cache,
		MemTableSize:                opts.MemTableBytes,
		MemTableStopWritesThreshold: 4,
		// Records are written once and in order, so rewriting them often brings little: fewer, larger compactions, for which
		// puts rarely have to wait. The first use of a shard looks for its tail in all tables of level 0, so there must not be too many.
		L0CompactionThreshold:      24,
		L0StopWritesThreshold:      48,
		LBaseMaxBytes:              256 << 20,
		MaxOpenFiles:               128,
		FormatMajorVersion:         pebble.FormatValueSeparation,
		Logger:                     pebbleLogger{opts.Logger},
		CompactionConcurrencyRange: func() (int, int) { return 1, 1 },
	}
	// Pebble would end the process; the reader who meets damage gets an error anyway, and other streams are not harmed.
	config.EventListener = &pebble.EventListener{DataCorruption: func(info pebble.DataCorruptionInfo) {
		opts.Logger.Error("kinesis server: the store is damaged", "file", info.Path, "error", info.Details)
	}}
	dir := "kinesis"
	s := &store{sync: pebble.Sync, dropped: make(chan span, 64)}
	if opts.NoSync {
		s.sync = pebble.NoSync
	}
	switch {
	case opts.fs != nil:
		config.FS = opts.fs
	case opts.Dir == "":
		config.FS = vfs.NewMem()
	default:
		dir = filepath.Join(opts.Dir, dir)
		s.disk = &diskGuard{fs: vfs.Default, dir: opts.Dir, logger: opts.Logger}
		config.FS = s.disk.wrap()
	}
	db, err := pebble.Open(dir, config)
	if err != nil {
		return nil, fmt.Errorf("open kinesis store %q: %w", dir, err)
	}
	s.db = db
	if err := s.loadMeta(); err != nil {
		return nil, errors.Join(fmt.Errorf("open kinesis store %q: %w", dir, err), db.Close())
	}
	return s, nil
}

func (s *store) loadMeta() error {
	value, closer, err := s.db.Get([]byte{kindMeta})
	if errors.Is(err, pebble.ErrNotFound) {
		s.meta = storeMeta{Format: storeFormat, NextStreamID: 1, Secret: make([]byte, 32)}
		rand.Read(s.meta.Secret) // never fails: see its contract
		b := s.db.NewBatch()
		defer b.Close()
		s.setMeta(b)
		return b.Commit(s.sync)
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	if err := json.Unmarshal(value, &s.meta); err != nil {
		return err
	}
	if s.meta.Format != storeFormat {
		return fmt.Errorf("its format is %d, but this version reads %d: use another data directory", s.meta.Format, storeFormat)
	}
	return nil
}

func (s *store) setMeta(b *pebble.Batch) {
	must(b.Set([]byte{kindMeta}, mustJSON(s.meta), nil))
}

// must turns the error of filling a batch, which can only be misuse, into a panic.
func must(err error) {
	if err != nil {
		panic("filling a batch: " + err.Error())
	}
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("our own shapes always have a JSON form: " + err.Error())
	}
	return text
}

func streamKey(kind byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, id)
}

func shardKey(kind byte, id uint64, shard uint32) []byte {
	return binary.BigEndian.AppendUint32(streamKey(kind, id), shard)
}

const recordKeyBytes = 21

func recordKey(id uint64, shard uint32, p position) []byte {
	return binary.BigEndian.AppendUint64(shardKey(kindRecord, id, shard), uint64(p))
}

// keyPosition is the position in a record's key.
func keyPosition(key []byte) position {
	return position(binary.BigEndian.Uint64(key[len(key)-8:]))
}

// recordBytes is the length of a stored record: a format byte, the partition key with its length, the data.
func recordBytes(partitionKey string, data []byte) int {
	return 1 + binary.PutUvarint(make([]byte, binary.MaxVarintLen64), uint64(len(partitionKey))) + len(partitionKey) + len(data)
}

func appendRecord(dst []byte, format byte, partitionKey string, data []byte) []byte {
	dst = append(dst, format)
	dst = binary.AppendUvarint(dst, uint64(len(partitionKey)))
	dst = append(dst, partitionKey...)
	return append(dst, data...)
}

// splitRecord returns parts of value: they live as long as it does.
func splitRecord(value []byte) (partitionKey, data []byte, err error) {
	if len(value) < 2 || value[0] != recordPlain && value[0] != recordEncrypted {
		return nil, nil, errors.New("a stored record has an unknown format")
	}
	n, used := binary.Uvarint(value[1:])
	rest := value[1+max(used, 0):]
	if used <= 0 || n > uint64(len(rest)) {
		return nil, nil, errors.New("a stored record is cut short")
	}
	return rest[:n], rest[n:], nil
}

func (s *store) setStream(b *pebble.Batch, desc *streamDesc) {
	must(b.Set(streamKey(kindStream, desc.ID), mustJSON(desc), nil))
}

// span is a range of keys.
type span struct {
	first, end []byte
}

// reclaim asks for the disk space of a dropped range, whose deletion alone would free it only when later writes cause
// a compaction. When too many ask, some get theirs that way.
func (s *store) reclaim(first, end []byte) {
	select {
	case s.dropped <- span{first, end}:
	default:
	}
}

// compact rewrites what overlaps a dropped range, which leaves nothing of it.
func (s *store) compact(ctx context.Context, dropped span) error {
	return s.db.Compact(ctx, dropped.first, dropped.end, false)
}

// dropStream deletes a stream with its records and floors.
func (s *store) dropStream(b *pebble.Batch, id uint64) {
	must(b.Delete(streamKey(kindStream, id), nil))
	for _, kind := range []byte{kindFloor, kindRecord} {
		must(b.DeleteRange(streamKey(kind, id), streamKey(kind, id+1), nil))
	}
}

// dropShard deletes the records and the floor of one shard.
func (s *store) dropShard(b *pebble.Batch, id uint64, shard uint32) {
	must(b.Delete(shardKey(kindFloor, id, shard), nil))
	must(b.DeleteRange(shardKey(kindRecord, id, shard), shardKey(kindRecord, id, shard+1), nil))
}

// dropBefore deletes the records of a shard before floor, and remembers floor so that
// sequence numbers never go back even when no record is left.
func (s *store) dropBefore(b *pebble.Batch, id uint64, shard uint32, floor position) {
	must(b.Set(shardKey(kindFloor, id, shard), binary.BigEndian.AppendUint64(nil, uint64(floor)), nil))
	must(b.DeleteRange(recordKey(id, shard, 0), recordKey(id, shard, floor), nil))
}

// loadStreams reads every stream. The tails of shards are found when they are first wanted; late is the position of one that cannot
// be found, because the store is damaged there: it is behind all records.
func (s *store) loadStreams(c *catalog, late func(stream, shard string, err error) position) error {
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindStream}, UpperBound: []byte{kindStream + 1}})
	if err != nil {
		return err
	}
	defer iter.Close()
	for iter.First(); iter.Valid(); iter.Next() {
		var desc streamDesc
		if err := json.Unmarshal(iter.Value(), &desc); err != nil {
			return fmt.Errorf("stream descriptor %x: %w", iter.Key(), err)
		}
		st := newStream(desc, nil)
		for _, sh := range st.shards {
			sh.log.find = func() position {
				tail, err := s.findTail(desc.ID, sh.Index)
				if err != nil {
					tail = late(desc.Name, sh.id(), err)
				}
				return max(tail, sh.Start)
			}
		}
		c.put(st)
	}
	return iter.Error()
}

// findTail looks for the last position of a shard: that of its last record, or its floor.
func (s *store) findTail(id uint64, shard uint32) (tail position, err error) {
	floor, closer, err := s.db.Get(shardKey(kindFloor, id, shard))
	switch {
	case err == nil:
		tail = position(binary.BigEndian.Uint64(floor))
		err = closer.Close()
	case errors.Is(err, pebble.ErrNotFound):
		err = nil
	}
	if err != nil {
		return 0, err
	}
	iter, err := s.records(id, shard, 0, ^position(0))
	if err != nil {
		return 0, err
	}
	if iter.Last() {
		tail = max(tail, keyPosition(iter.Key()))
	}
	return tail, errors.Join(iter.Error(), iter.Close())
}

// records iterates over the records of a shard from first up to, not including, end.
func (s *store) records(id uint64, shard uint32, first, end position) (*pebble.Iterator, error) {
	return s.db.NewIter(&pebble.IterOptions{LowerBound: recordKey(id, shard, first), UpperBound: recordKey(id, shard, end)})
}

// oldest is the position of the first record of a shard that is still stored, ok=false when there is none.
func (s *store) oldest(id uint64, shard uint32) (p position, ok bool, err error) {
	iter, err := s.records(id, shard, 0, ^position(0))
	if err != nil {
		return 0, false, err
	}
	defer iter.Close()
	if ok = iter.First(); ok {
		p = keyPosition(iter.Key())
	}
	return p, ok, iter.Error()
}

// pebbleLogger sends what Pebble says to the debug level: it reports each flush and compaction.
type pebbleLogger struct{ log *slog.Logger }

// Infof is Pebble's chatter.
func (l pebbleLogger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
	}
}

// Errorf is what Pebble recovers from.
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Warn("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble can no longer keep its promise, so neither can the server.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.log.Error("pebble: " + text)
	panic("kinesis store: " + text)
}
