package golden

import (
	"fmt"
	"strings"
	"time"

	"weir/connectors"
	"weir/connectors/format"
	"weir/connectors/memory"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// feed appends the block's rows to a table.
func (r *runner) feed(b *block) error {
	table, desc, err := r.s.MemoryTable(b.args[0])
	if err != nil {
		return err
	}
	name, options := "json", map[string]option.Value{}
	if len(b.args) == 2 && b.args[1] == "csv" {
		name, options = "csv", map[string]option.Value{"null-literal": {Text: "NULL"}}
	}
	var dec connectors.Decoder
	for _, f := range format.List() {
		if f.Name != name {
			continue
		}
		c := f.New()
		if _, err := option.Decode(options, c); err != nil {
			return err
		}
		if dec, err = c.Decoder(desc.Columns, desc.Columns, &connectors.Env{Zone: time.UTC, Warn: func(string) {}}); err != nil {
			return err
		}
	}
	chunk, kinds := records(b)
	var out connectors.Decoded
	if err := dec.Decode(chunk, 0, chunk.Len(), &out); err != nil {
		return err
	}
	if len(out.Rejects) > 0 {
		x := out.Rejects[0]
		return fmt.Errorf("line %d: %w", b.line+1+int(chunk.Pos[x.Record]), x.Err)
	}
	if out.N != chunk.Len() {
		return fmt.Errorf("%d lines make %d rows: each must make one", chunk.Len(), out.N)
	}
	r.tables[table] = true
	deal(table, vec.New(desc.Columns.Arrow(), out.Cols, out.N, kinds))
	return nil
}

// deal gives the rows to the table's open splits, in turn.
func deal(table *memory.Table, b *vec.Batch) {
	open := table.Open()
	if len(open) == 1 {
		table.Feed(open[0], b)
		return
	}
	for i := range b.Len() {
		table.Feed(open[i%len(open)], b.Slice(i, i+1))
	}
}

// records makes a chunk of a block's lines and takes the kinds off. Blank lines are passed over; Pos is
// the place of a record's line in the block.
func records(b *block) (c *connectors.Chunk, kinds []types.RowKind) {
	c = &connectors.Chunk{}
	c.Describe = func(i int) string { return fmt.Sprintf("line %d", b.line+1+int(c.Pos[i])) }
	plain := true
	for n, line := range b.input {
		if strings.TrimSpace(line) == "" {
			continue
		}
		kind := types.Insert
		for _, k := range []types.RowKind{types.Insert, types.UpdateBefore, types.UpdateAfter, types.Delete} {
			if rest, ok := strings.CutPrefix(line, types.KindString(k)+" "); ok {
				kind, line = k, strings.TrimLeft(rest, " ")
				plain = plain && k == types.Insert
				break
			}
		}
		kinds = append(kinds, kind)
		c.Beg = append(c.Beg, int32(len(c.Data)))
		c.Data = append(c.Data, line...)
		c.End = append(c.End, int32(len(c.Data)))
		c.Data = append(c.Data, '\n')
		c.Pos = append(c.Pos, int64(n))
	}
	if plain {
		return c, nil
	}
	return c, kinds
}
