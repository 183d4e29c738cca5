package filesystem

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/format"
	"weir/sql/types"
	"weir/sql/vec"
)

// source lists files and reads them.
type source struct {
	conf       *config
	table      *connectors.TableDesc
	scan       connectors.Scan
	env        *connectors.Env
	files      files
	path       string
	match      *regexp.Regexp
	partitions types.Schema // partition columns: in the path, not in the file
	warned     bool
}

var _ connectors.Source = (*source)(nil)

// Discovery implements connectors.Source.
func (s *source) Discovery() time.Duration { return max(s.conf.monitor, 0) }

// Bounded implements connectors.Source.
func (s *source) Bounded() bool { return s.conf.monitor <= 0 }

// PerSplitWatermarks implements connectors.Source: files share one watermark in the order they are read.
func (s *source) PerSplitWatermarks() bool { return false }

// Immediate: what a folder holds waits for nobody.
func (s *source) Immediate() bool { return true }

// Splits implements connectors.Source: the files by path.
func (s *source) Splits(ctx context.Context) ([]connectors.Split, error) {
	found, err := s.files.list(ctx, s.path, s.wanted)
	switch {
	case errors.Is(err, errNoFile) && !s.Bounded():
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("table %s: %w", s.table.Name, err)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].ID < found[j].ID })
	if len(found) == 0 && len(s.partitions) > 0 && !s.warned && s.env.Warn != nil {
		s.warned = true
		s.env.Warn(fmt.Sprintf("table %s is PARTITIONED BY (%s), so only files in folders such as %q are read, and there are none; leave PARTITIONED BY out to read plain files",
			s.table.Name, strings.Join(s.partitions.Names(), ", "), s.partitions[0].Name+"=..."))
	}
	return found, nil
}

// wanted tells whether a file matches the pattern and, in a partitioned table, lies in a partition.
func (s *source) wanted(path string) bool {
	if s.match != nil && !s.match.MatchString(path) {
		return false
	}
	return len(s.partitions) == 0 || s.partitionOf(path) != nil
}

// partitionOf gives the texts of the partition columns in a path; nil where one is missing.
func (s *source) partitionOf(path string) []string {
	found := map[string]string{}
	for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(path)), "/") {
		if name, value, ok := strings.Cut(part, "="); ok {
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			found[name] = value
		}
	}
	values := make([]string, len(s.partitions))
	for i, c := range s.partitions {
		v, ok := found[c.Name]
		if !ok {
			return nil
		}
		values[i] = v
	}
	return values
}

// Read implements connectors.Source.
func (s *source) Read(ctx context.Context, sp connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	r := &reader{files: s.files, path: sp.ID, framing: s.conf.format.Framing(), size: readSize}
	if s.scan.Limit > 0 && s.scan.Limit < 1000 {
		r.size = firstRead
	}
	if err := r.open(ctx, from); err != nil {
		return nil, err
	}
	for i, text := range s.partitionOf(sp.ID) {
		c := s.partitions[i]
		v, err := s.partitionValue(c, text)
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("file %s: %w", sp.ID, err)
		}
		r.partition = append(r.partition, v)
	}
	for _, key := range s.scan.Metadata {
		v, err := r.metadata(key)
		if err != nil {
			r.Close()
			return nil, err
		}
		r.meta = append(r.meta, v)
	}
	return r, nil
}

func (s *source) partitionValue(c types.Column, text string) (arrow.Array, error) {
	if text == s.conf.defaultName {
		return vec.NullColumn(c.Type, 1), nil
	}
	v, err := format.Parse(c.Type, text)
	if err != nil {
		return nil, fmt.Errorf("partition column %q: %w", c.Name, err)
	}
	return v, nil
}

// Decoder implements connectors.Source.
func (s *source) Decoder() (connectors.Decoder, error) {
	inFile := func(cols types.Schema) (out types.Schema) {
		for _, c := range cols {
			if s.partitions.Index(c.Name) < 0 {
				out = append(out, c)
			}
		}
		return out
	}
	want := inFile(s.scan.Columns)
	inner, err := s.conf.format.Decoder(want, inFile(s.table.Columns), s.env)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", s.table.Name, err)
	}
	if len(want) == len(s.scan.Columns) {
		return inner, nil
	}
	d := &partitionDecoder{inner: inner}
	for _, c := range s.scan.Columns {
		d.from = append(d.from, s.partitions.Index(c.Name))
	}
	return d, nil
}

// partitionDecoder adds the partition columns to what the format decodes.
type partitionDecoder struct {
	inner connectors.Decoder
	from  []int // of each wanted column: the partition column, or -1 for the format's next
}

// Decode implements connectors.Decoder.
func (d *partitionDecoder) Decode(c *connectors.Chunk, lo, hi int, out *connectors.Decoded) error {
	if err := d.inner.Decode(c, lo, hi, out); err != nil {
		return err
	}
	cols := make([]arrow.Array, len(d.from))
	next := 0
	for i, p := range d.from {
		if p < 0 {
			cols[i] = out.Cols[next]
			next++
			continue
		}
		cols[i] = vec.ConstVec(c.Partition[p]).Column(out.N)
	}
	out.Cols = cols
	return nil
}
