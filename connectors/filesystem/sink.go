package filesystem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/format"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// sinkOptions are the options of writing.
type sinkOptions struct {
	fileSize    int64
	rollover    time.Duration
	policies    []string
	successFile string
}

func (s *sinkOptions) options(o *option.Set) {
	o.Memory(&s.fileSize, "sink.rolling-policy.file-size", 128<<20, "A file that has grown to this size is closed and a new one begun. Files also end at each checkpoint.")
	o.Duration(&s.rollover, "sink.rolling-policy.rollover-interval", 30*time.Minute, "A file that has been open for so long is closed and a new one begun.")
	o.Unused("sink.rolling-policy.check-interval", "files are checked at each batch.")
	o.Unused("sink.rolling-policy.inactivity-interval", "files end at each checkpoint.")
	o.StringList(&s.policies, "sink.partition-commit.policy.kind", nil, "`success-file` puts a file into each partition's folder once rows in it are visible.")
	o.String(&s.successFile, "sink.partition-commit.success-file.name", "_SUCCESS", "Name of that file.")
	o.Unused("sink.partition-commit.trigger", "partitions are committed with each checkpoint.")
	o.Unused("sink.partition-commit.delay", "partitions are committed with each checkpoint.")
	o.Unused("sink.partition-commit.watermark-time-zone", "partitions are committed with each checkpoint.")
	o.Unused("sink.shuffle-by-partition.enable", "rows are written where they are.")
	o.Unused("partition.time-extractor.*", "partitions are committed with each checkpoint.")
	o.Unused("auto-compaction", "files are not merged.")
	o.Unused("compaction.*", "files are not merged.")
}

// SinkMode implements connectors.Writes.
func (c *config) SinkMode(_ *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	return c.format.SinkMode(requested), nil
}

// WritableMetadata implements connectors.Writes.
func (c *config) WritableMetadata() []connectors.MetadataKey { return nil }

// Sink implements connectors.Writes.
func (c *config) Sink(t *connectors.TableDesc, env *connectors.Env, instance, parallelism int) (connectors.Sink, error) {
	dir, err := sinkFolder(c.path)
	if err != nil {
		return nil, err
	}
	s := &sink{conf: c, table: t, env: env, dir: dir, open: map[string]*part{}}
	if info, err := os.Stat(s.dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("path %q is a file; a table that is written to needs a folder", c.path)
	}
	var inFile types.Schema
	for i, col := range t.Columns {
		if !contains(t.PartitionedBy, col.Name) {
			inFile = append(inFile, col)
			s.fileCols = append(s.fileCols, i)
		}
	}
	for _, name := range t.PartitionedBy {
		i := t.Columns.Index(name)
		if i < 0 {
			return nil, fmt.Errorf("table %s is partitioned by %q, which is none of its columns", t.Name, name)
		}
		s.partCols = append(s.partCols, i)
	}
	enc, err := c.format.Encoder(inFile, env)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	s.enc, s.schema = enc, inFile.Arrow()
	job := fnv.New64a()
	job.Write([]byte(env.JobID + "\x00" + t.Name + "\x00" + env.Operator))
	s.tag = fmt.Sprintf(".%016x.inprogress", job.Sum64())
	a, b := env.Random(), env.Random()
	s.prefix = fmt.Sprintf("part-%08x-%04x-4%03x-%04x-%012x-%d-", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff, instance)
	if c.overwrite && len(s.partCols) == 0 {
		s.replace("")
	}
	return s, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// sink writes the files of one parallel instance. A file is hidden while it grows and while it is
// staged; Commit gives it its name.
type sink struct {
	conf     *config
	table    *connectors.TableDesc
	env      *connectors.Env
	dir      string
	enc      connectors.Encoder
	schema   *arrow.Schema
	fileCols []int
	partCols []int
	prefix   string // of names: part-<uuid>-<instance>-
	tag      string // ends the names of hidden files of this sink of the job
	n        int
	folder   []byte
	open     map[string]*part // by folder below dir
	staged   token
	replaced map[string]bool
}

var (
	_ connectors.Sink     = (*sink)(nil)
	_ connectors.Restorer = (*sink)(nil)
)

// token lists what a checkpoint publishes. Paths are relative to the table's folder.
type token struct {
	Files  []string `json:"files,omitempty"`  // to be shown; each is hidden(path) until then
	Remove []string `json:"remove,omitempty"` // replaced by INSERT OVERWRITE
	Tag    string   `json:"tag"`
}

func (t token) hidden(file string) string {
	return filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+t.Tag)
}

// part is a file being written.
type part struct {
	name  string // relative to the table's folder
	file  *os.File
	buf   []byte
	size  int64
	since time.Time
}

const writeSize = 256 << 10

func (p *part) flush() error {
	n, err := p.file.Write(p.buf)
	p.size += int64(n)
	p.buf = p.buf[:0]
	return err
}

// Write implements connectors.Sink.
func (s *sink) Write(ctx context.Context, b *vec.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inner := b
	if len(s.partCols) > 0 {
		cols := make([]arrow.Array, len(s.fileCols))
		for i, c := range s.fileCols {
			cols[i] = b.Col(c)
		}
		inner = vec.New(s.schema, cols, b.Len(), b.Kinds)
	}
	for i := range b.Len() {
		p, err := s.partFor(b, i)
		if err != nil {
			return err
		}
		buf, err := s.enc.Encode(p.buf, inner, i)
		if err != nil {
			return &connectors.Refusal{Row: i, Err: fmt.Errorf("table %s: %w", s.table.Name, err)}
		}
		p.buf = append(buf, '\n')
		if len(p.buf) >= writeSize {
			if err := p.flush(); err != nil {
				return err
			}
		}
		if p.size+int64(len(p.buf)) >= s.conf.sink.fileSize {
			if err := s.stage(string(s.folder), p); err != nil {
				return err
			}
		}
	}
	now := s.env.Now()
	for folder, p := range s.open {
		if now.Sub(p.since) >= s.conf.sink.rollover {
			if err := s.stage(folder, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// partFor gives the open file of a row's partition.
func (s *sink) partFor(b *vec.Batch, i int) (*part, error) {
	s.folder = s.folder[:0]
	for _, c := range s.partCols {
		if len(s.folder) > 0 {
			s.folder = append(s.folder, '/')
		}
		col := s.table.Columns[c]
		s.folder = appendEscaped(s.folder, col.Name)
		s.folder = append(s.folder, '=')
		text := format.PartitionText(col.Type, b.Col(c), i)
		if text == "" {
			text = s.conf.defaultName
		}
		s.folder = appendEscaped(s.folder, text)
	}
	if p := s.open[string(s.folder)]; p != nil {
		return p, nil
	}
	return s.create(string(s.folder))
}

// appendEscaped writes a name as part of a path: what a path or a partition's name gives a meaning
// becomes %XX.
func appendEscaped(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7F || strings.IndexByte("\"#%'*/:=?\\{[]^", c) >= 0 {
			dst = fmt.Appendf(dst, "%%%02X", c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// maxOpen bounds the files open at a time; the next one closes them all.
const maxOpen = 256

func (s *sink) create(folder string) (*part, error) {
	if len(s.open) >= maxOpen {
		if err := s.stageAll(); err != nil {
			return nil, err
		}
	}
	dir := filepath.Join(s.dir, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("table %s: %w", s.table.Name, err)
	}
	if s.conf.overwrite && folder != "" {
		s.replace(folder)
	}
	p := &part{since: s.env.Now()}
	for {
		p.name = filepath.Join(folder, fmt.Sprintf("%s%d", s.prefix, s.n))
		s.n++
		if _, err := os.Lstat(filepath.Join(s.dir, p.name)); os.IsNotExist(err) {
			break
		}
	}
	f, err := os.OpenFile(filepath.Join(s.dir, token{Tag: s.tag}.hidden(p.name)), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", s.table.Name, err)
	}
	p.file = f
	s.open[folder] = p
	return p, nil
}

// replace notes the files that a folder holds now, to be removed when the new ones show.
func (s *sink) replace(folder string) {
	if s.replaced[folder] {
		return
	}
	if s.replaced == nil {
		s.replaced = map[string]bool{}
	}
	s.replaced[folder] = true
	root := filepath.Join(s.dir, folder)
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return nil
		}
		if hidden(d.Name()) && d.IsDir() {
			return filepath.SkipDir
		}
		if rel, err := filepath.Rel(s.dir, path); err == nil && !d.IsDir() && !hidden(d.Name()) {
			s.staged.Remove = append(s.staged.Remove, rel)
		}
		return nil
	})
}

// stage closes a file; it stays hidden.
func (s *sink) stage(folder string, p *part) error {
	delete(s.open, folder)
	s.staged.Files = append(s.staged.Files, p.name)
	err := p.flush()
	if err == nil {
		err = p.file.Sync()
	}
	return errors.Join(err, p.file.Close())
}

func (s *sink) stageAll() error {
	folders := make([]string, 0, len(s.open))
	for f := range s.open {
		folders = append(folders, f)
	}
	sort.Strings(folders)
	for _, f := range folders {
		if err := s.stage(f, s.open[f]); err != nil {
			return err
		}
	}
	return nil
}

// Flush implements connectors.Sink.
func (s *sink) Flush(context.Context) ([]byte, error) {
	if err := s.stageAll(); err != nil {
		return nil, err
	}
	if len(s.staged.Files) == 0 && len(s.staged.Remove) == 0 {
		return nil, nil
	}
	s.staged.Tag = s.tag
	text, err := json.Marshal(s.staged)
	s.staged = token{}
	return text, err
}

// Close implements connectors.Sink: what was never flushed is deleted; what was staged waits for
// Commit or, after a crash, Restore.
func (s *sink) Close() error {
	var errs []error
	for _, p := range s.open {
		errs = append(errs, p.file.Close(), os.Remove(p.file.Name()))
	}
	s.open = map[string]*part{}
	return errors.Join(errs...)
}
