package connectors

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"weir/sql/vec"
)

// Generated is a Source of made-up rows: one split, paced by the clock. What row i holds follows from
// the seed and i alone, so a restart goes on with the very rows that would have come.
type Generated struct {
	Env *Env
	// Rate is rows a second; 0 is as fast as possible.
	Rate float64
	// Total rows; negative is without end.
	Total int64
	// Rows makes rows [from, from+n) of a seed.
	Rows func(seed uint64, from int64, n int) (*vec.Batch, error)
}

var _ Source = (*Generated)(nil)

// Splits, Discovery, Bounded, PerSplitWatermarks and Decoder implement Source.
func (g *Generated) Splits(context.Context) ([]Split, error) {
	return []Split{{ID: "generated", Size: max(g.Total, 0)}}, nil
}
func (g *Generated) Discovery() time.Duration  { return 0 }
func (g *Generated) Bounded() bool             { return g.Total >= 0 }
func (g *Generated) PerSplitWatermarks() bool  { return true }
func (g *Generated) Decoder() (Decoder, error) { return nil, nil }

// Read implements Source. An offset is the number of rows made, and the seed.
func (g *Generated) Read(_ context.Context, _ Split, from Offset) (SplitReader, error) {
	r := &generatedReader{g: g}
	switch len(from) {
	case 0:
		r.seed = g.Env.Random()
	case 16:
		r.row = int64(binary.BigEndian.Uint64(from))
		r.seed = binary.BigEndian.Uint64(from[8:])
	default:
		return nil, errors.New("the checkpoint's position in generated rows is damaged")
	}
	return r, nil
}

type generatedReader struct {
	g     *Generated
	seed  uint64
	row   int64
	start time.Time // of pacing
	base  int64     // the row made then
}

// NextBatch implements BatchReader.
func (r *generatedReader) NextBatch(ctx context.Context, limit int) (*vec.Batch, Offset, error) {
	n := int64(limit)
	if r.g.Total >= 0 {
		if n = min(n, r.g.Total-r.row); n <= 0 {
			return nil, nil, io.EOF
		}
	}
	if r.g.Rate > 0 {
		if n = min(n, r.due()); n <= 0 {
			return nil, nil, r.wait(ctx)
		}
	}
	b, err := r.g.Rows(r.seed, r.row, int(n))
	if err != nil {
		return nil, nil, err
	}
	r.row += n
	off := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(r.row))
	return b, binary.BigEndian.AppendUint64(off, r.seed), nil
}

// due is how many rows the pace allows now. Rows not asked for in time do not pile up past a second's.
func (r *generatedReader) due() int64 {
	now := r.g.Env.Now()
	if r.start.IsZero() {
		r.start, r.base = now, r.row
	}
	due := 1 + int64(now.Sub(r.start).Seconds()*r.g.Rate) - (r.row - r.base)
	if burst := max(int64(r.g.Rate), 1); due > burst {
		r.start, r.base = now, r.row
		return burst
	}
	return due
}

// wait sleeps for a row's time, at most 5 ms, so that batches stay worth while and ends come soon.
func (r *generatedReader) wait(ctx context.Context) error {
	d := min(time.Duration(float64(time.Second)/r.g.Rate), 5*time.Millisecond)
	return Sleep(ctx, max(d, time.Millisecond))
}

// Close implements SplitReader.
func (r *generatedReader) Close() error { return nil }

// Mix turns a counter into uniform random bits (the splitmix64 finaliser).
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
