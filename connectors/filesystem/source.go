package filesystem

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
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

// source lists files and opens them.
type source struct {
	conf       *config
	table      *connectors.TableDesc
	scan       connectors.Scan
	env        *connectors.Env
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
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	var out []connectors.Split
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return fmt.Errorf("list %q: %w", path, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if path != root && hidden(d.Name()) {
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			if !d.IsDir() && s.wanted(root, path) {
				out = append(out, split(path, d))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	if len(out) == 0 && len(s.partitions) > 0 && !s.warned && s.env.Warn != nil {
		s.warned = true
		s.env.Warn(fmt.Sprintf("table %s is PARTITIONED BY (%s), so only files in folders such as %q are read, and there are none; leave PARTITIONED BY out to read plain files",
			s.table.Name, strings.Join(s.partitions.Names(), ", "), s.partitions[0].Name+"=..."))
	}
	return out, nil
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

func split(path string, d fs.DirEntry) connectors.Split {
	s := connectors.Split{ID: path}
	if info, err := d.Info(); err == nil {
		s.Size = info.Size()
	}
	return s
}

// roots gives what the path names: itself, or what a pattern matches.
func (s *source) roots() ([]string, error) {
	_, err := os.Stat(s.path)
	if err == nil {
		return []string{s.path}, nil
	}
	if strings.ContainsAny(s.path, "*?[") {
		found, err := filepath.Glob(s.path)
		if err != nil {
			return nil, fmt.Errorf("path %q is no valid pattern: %w", s.conf.path, err)
		}
		if len(found) > 0 || !s.Bounded() {
			return found, nil
		}
		return nil, fmt.Errorf("no file matches %q; check the option \"path\" of table %s", s.conf.path, s.table.Name)
	}
	if os.IsNotExist(err) {
		if !s.Bounded() {
			return nil, nil
		}
		where, _ := filepath.Abs(s.path)
		return nil, fmt.Errorf("path %q does not exist (looked for %s); check the option \"path\" of table %s", s.conf.path, where, s.table.Name)
	}
	return nil, fmt.Errorf("path %q: %w", s.conf.path, err)
}

// wanted tells whether a file matches the pattern and, in a partitioned table, lies in a partition.
func (s *source) wanted(root, path string) bool {
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
func (s *source) Read(_ context.Context, sp connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	r := &reader{path: sp.ID, framing: s.conf.format.Framing(), size: readSize}
	if s.scan.Limit > 0 && s.scan.Limit < 1000 {
		r.size = firstRead
	}
	if err := r.open(from); err != nil {
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
