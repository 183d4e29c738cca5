package filesystem

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"weir/connectors"
	"weir/connectors/format"
	"weir/sql/types"
	"weir/sql/vec"
)

// The bounds of reading.
const (
	readSize   = 512 << 10 // bytes of a chunk
	firstRead  = 32 << 10  // of a chunk where few rows are wanted
	maxRecord  = 64 << 20  // bytes of one record
	maxRecords = 16 << 10  // records of a chunk
)

// reader cuts one file into chunks of whole records. An offset is the position behind a record, in
// unpacked bytes, and the number of line feeds before it.
type reader struct {
	path    string
	framing format.Framing
	size    int

	files   files
	file    *opened
	stream  io.Reader
	close   func()
	buf     []byte
	lo, hi  int   // unread bytes are buf[lo:hi]
	pos     int64 // of buf[lo] in the unpacked file
	line    int64 // line feeds before pos
	eof     bool
	chunkAt int // where the current chunk begins in buf

	partition []arrow.Array
	meta      []arrow.Array
}

var _ connectors.Reader = (*reader)(nil)

// open opens the file at an offset. Reading ends with ctx.
func (r *reader) open(ctx context.Context, from connectors.Offset) (err error) {
	switch len(from) {
	case 0:
	case 16:
		r.pos, r.line = int64(binary.BigEndian.Uint64(from)), int64(binary.BigEndian.Uint64(from[8:]))
	default:
		return fmt.Errorf("file %s: the checkpoint's position is damaged", r.path)
	}
	unpack := unpackers[strings.ToLower(filepath.Ext(r.path))]
	at := r.pos
	if unpack != nil {
		at = 0 // what is packed is read from its beginning
	}
	if r.file, err = r.files.open(ctx, r.path, at); err != nil {
		return fmt.Errorf("file %s: %w", r.path, err)
	}
	r.stream, r.close = r.file, func() {}
	if unpack == nil {
		return nil
	}
	switch r.stream, err = unpack(ctx, r); {
	case err == io.EOF: // an empty file
		r.stream, err = bytes.NewReader(nil), nil
	case err == nil:
		_, err = io.CopyN(io.Discard, r.stream, r.pos)
	}
	if err != nil {
		r.Close()
		return fmt.Errorf("file %s: %w", r.path, err)
	}
	return nil
}

// unpackers make what reads a packed file, by its extension.
var unpackers = map[string]func(context.Context, *reader) (io.Reader, error){
	".gz": gunzip, ".gzip": gunzip, ".zst": unzstd, ".zstd": unzstd, ".bz2": unbzip, ".deflate": inflate,
}

func gunzip(_ context.Context, r *reader) (io.Reader, error) { return gzip.NewReader(r.file) }

func unbzip(_ context.Context, r *reader) (io.Reader, error) { return bzip2.NewReader(r.file), nil }

func unzstd(_ context.Context, r *reader) (io.Reader, error) {
	z, err := zstd.NewReader(r.file, zstd.WithDecoderConcurrency(1))
	if err == nil {
		r.close = z.Close
	}
	return z, err
}

// inflate reads what Java's Deflater writes, with a zlib header, and what others do, without one.
func inflate(ctx context.Context, r *reader) (io.Reader, error) {
	z, err := zlib.NewReader(r.file)
	if err == nil {
		return z, nil
	}
	_ = r.file.Close()
	if r.file, err = r.files.open(ctx, r.path, 0); err != nil {
		r.file = &opened{ReadCloser: io.NopCloser(nil)}
		return nil, err
	}
	return flate.NewReader(r.file), nil
}

// Close implements connectors.SplitReader.
func (r *reader) Close() error {
	r.close()
	return r.file.Close()
}

// Next implements connectors.Reader.
func (r *reader) Next(ctx context.Context, c *connectors.Chunk) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.Beg, c.End, c.Pos = c.Beg[:0], c.End[:0], c.Pos[:0]
	for {
		if err := r.fill(); err != nil {
			return err
		}
		r.chunkAt = r.lo
		if r.cut(c); c.Len() > 0 {
			break
		}
		if r.eof && r.lo == r.hi {
			return io.EOF
		}
		r.pass() // comments
	}
	c.Data = r.buf[:r.hi]
	c.Partition = r.partition
	c.Meta = c.Meta[:0]
	for _, m := range r.meta {
		c.Meta = append(c.Meta, vec.ConstVec(m).Column(c.Len()))
	}
	c.MillisBehind = -1
	data, base, line, at := r.buf, r.pos, r.line, r.chunkAt
	r.pass()
	next := c.Pos
	c.OffsetAt = func(i int) connectors.Offset {
		off := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(base+next[i]-int64(at)))
		return binary.BigEndian.AppendUint64(off, uint64(line)+uint64(bytes.Count(data[at:next[i]], []byte{'\n'})))
	}
	beg := c.Beg
	number := func(i int) int64 { return line + 1 + int64(bytes.Count(data[at:beg[i]], []byte{'\n'})) }
	c.Describe = func(i int) string { return fmt.Sprintf("file %s, line %d", r.path, number(i)) }
	c.Sequence = func(i int) string { return strconv.FormatInt(number(i), 10) }
	return nil
}

// pass moves the position over what was cut.
func (r *reader) pass() {
	r.pos += int64(r.lo - r.chunkAt)
	r.line += int64(bytes.Count(r.buf[r.chunkAt:r.lo], []byte{'\n'}))
	r.chunkAt = r.lo
}

// fill reads until there is something to cut.
func (r *reader) fill() error {
	if r.lo > 0 || r.buf == nil {
		r.move()
	}
	for !r.eof && r.hi < len(r.buf) {
		n, err := r.stream.Read(r.buf[r.hi:])
		r.hi += n
		if err == io.EOF {
			r.eof = true
		} else if err != nil {
			return fmt.Errorf("file %s, byte %d: %w", r.path, r.pos+int64(r.hi-r.lo), err)
		}
		if r.size < readSize {
			break // a first look, without waiting for a full buffer
		}
	}
	return nil
}

// move brings the unread bytes to the front.
func (r *reader) move() {
	if r.buf == nil {
		r.buf = make([]byte, r.size)
		return
	}
	copy(r.buf, r.buf[r.lo:r.hi])
	r.lo, r.hi = 0, r.hi-r.lo
}

// cut finds the records in the buffer; where not even one is whole it makes the buffer larger.
func (r *reader) cut(c *connectors.Chunk) {
	for r.lo < r.hi && c.Len() < maxRecords {
		end, next := r.framing.Next(r.buf[:r.hi], r.lo, r.eof)
		if next < 0 {
			break
		}
		if end >= 0 {
			c.Beg = append(c.Beg, int32(r.lo))
			c.End = append(c.End, int32(end))
			c.Pos = append(c.Pos, int64(next))
		}
		r.lo = next
	}
	if c.Len() > 0 || r.hi < len(r.buf) {
		return
	}
	if len(r.buf) >= maxRecord {
		// Bounded memory: give what there is as one record, which the format then rejects.
		c.Beg, c.End, c.Pos = append(c.Beg, int32(r.lo)), append(c.End, int32(r.hi)), append(c.Pos, int64(r.hi))
		r.lo = r.hi
		return
	}
	r.buf = append(r.buf, make([]byte, len(r.buf))...)
}

// metadata gives a metadata column's value for the whole file.
func (r *reader) metadata(key string) (arrow.Array, error) {
	switch key {
	case "file.path":
		full, err := r.files.full(r.path)
		return vec.StringValues([]string{full}, nil), err
	case "file.name":
		return vec.StringValues([]string{filepath.Base(r.path)}, nil), nil
	case "file.size":
		return vec.Int64s([]int64{r.file.size}, nil), nil
	case "file.modification-time":
		return vec.Timestamps(types.LTZType(3), []int64{r.file.modified.UnixMilli() * 1000}, nil), nil
	}
	return nil, fmt.Errorf("file %s: there is no metadata %q", r.path, key)
}
