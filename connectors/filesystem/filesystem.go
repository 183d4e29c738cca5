// Package filesystem reads files of the local file system and objects of S3, and writes files, in any format.
//
// Contract: a file is one split, read in order by one reader; its ID is its path or URL, its offset the
// byte position behind a record. Files written become visible only at Commit. Paths never hold secrets.
package filesystem

import (
	"fmt"
	"regexp"
	"time"

	"weir/connectors"
	"weir/connectors/aws"
	"weir/connectors/format"
	"weir/connectors/option"
	"weir/sql/types"
)

// Connector declares the connector.
var Connector = connectors.Connector{
	Name: "filesystem",
	Doc: "Reads a file, a folder with all below it, or a pattern such as `logs/*.jsonl`, of this machine or of S3 (`s3://bucket/path`), and writes files into a folder of this machine. " +
		"Files and folders whose names begin with `.` or `_` are passed over. Files are read in the order of their paths, `.gz`, `.zst`, `.bz2` and `.deflate` ones unpacked; " +
		"with `source.monitor-interval` new files are read as they come. `PARTITIONED BY` columns are folders named `column=value`. " +
		"Written files show up at each checkpoint and at the end, each row once even after a crash. " +
		"In a lookup join (`JOIN t FOR SYSTEM_TIME AS OF ...`) the table is a reference table, held in memory and loaded anew every `lookup.full-cache.periodic-reload.interval`; " +
		"`DESCRIBE JOB`, `DIAGNOSE JOB` and the metrics tell how many rows it has, how old they are, and how many keys it did not have.",
	Example: "CREATE TABLE readings (\n  sensor_id INT,\n  status STRING,\n  event_time TIMESTAMP(3)\n) WITH (\n  'connector' = 'filesystem',\n  'path' = 'data/readings',\n  'format' = 'json'\n)",
	New:     func() connectors.Config { return new(config) },
}

type config struct {
	path        string
	format      format.Config
	monitor     time.Duration
	pattern     string
	defaultName string
	sink        sinkOptions
	overwrite   bool
	session     aws.Session
}

var (
	_ connectors.Reads      = (*config)(nil)
	_ connectors.Writes     = (*config)(nil)
	_ connectors.Overwriter = (*config)(nil)
)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.String(&c.path, "path", "", "File, folder or pattern, relative to the current folder; `file://` may stand before it. `s3://bucket/path` is an object, all below that path, or a pattern.").Must()
	format.Bind(o, &c.format, "format", "How the files' records are written.").Must()
	o.Duration(&c.monitor, "source.monitor-interval", -1, "Look for new files at this interval, for ever. Without it the files found at the start are read and the source ends.")
	o.String(&c.pattern, "source.path.regex-pattern", "", "Read only files whose whole path matches this regular expression.")
	o.String(&c.defaultName, "partition.default-name", "__DEFAULT_PARTITION__", "Stands for NULL and the empty string in the name of a partition's folder.")
	o.Unused("source.report-statistics", "plans do not depend on statistics.")
	c.sink.options(o)
	c.session.Options(o)
}

// Overwrite implements connectors.Overwriter.
func (c *config) Overwrite() { c.overwrite = true }

var metadataKeys = []connectors.MetadataKey{
	{Key: "file.path", Type: types.StringType.WithNull(false), Doc: "Absolute path of the file."},
	{Key: "file.name", Type: types.StringType.WithNull(false), Doc: "Name of the file."},
	{Key: "file.size", Type: types.BigIntType.WithNull(false), Doc: "Bytes in the file."},
	{Key: "file.modification-time", Type: types.LTZType(3).WithNull(false), Doc: "When the file was last written."},
}

// Metadata implements connectors.Reads.
func (c *config) Metadata() []connectors.MetadataKey {
	if c.format == nil {
		return metadataKeys
	}
	return append(metadataKeys[:len(metadataKeys):len(metadataKeys)], c.format.Metadata()...)
}

// SourceMode implements connectors.Reads.
func (c *config) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	return c.format.Mode(), nil
}

// Source implements connectors.Reads.
func (c *config) Source(t *connectors.TableDesc, scan connectors.Scan, env *connectors.Env) (connectors.Source, error) {
	s := &source{conf: c, table: t, scan: scan, env: env}
	var err error
	if s.files, s.path, err = c.where(env); err != nil {
		return nil, err
	}
	if c.pattern != "" {
		re, err := regexp.Compile("^(?:" + c.pattern + ")$")
		if err != nil {
			return nil, fmt.Errorf("option \"source.path.regex-pattern\" is no regular expression: %w", err)
		}
		s.match = re
	}
	for _, p := range t.PartitionedBy {
		i := t.Columns.Index(p)
		if i < 0 {
			return nil, fmt.Errorf("table %s is partitioned by %q, which is none of its columns", t.Name, p)
		}
		s.partitions = append(s.partitions, t.Columns[i])
	}
	_, err = s.Decoder()
	return s, err
}
