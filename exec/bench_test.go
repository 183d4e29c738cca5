package exec

import (
	"context"
	"testing"

	"weir/connectors"
	"weir/exec/op"
	"weir/planner"
	"weir/sql/vec"
)

const benchRows = 400_000

// BenchmarkDecodeAlone is what a source of the tests costs without a job around it.
func BenchmarkDecodeAlone(b *testing.B) {
	tab := &table{splits: [][]row{manyRows(benchRows)}, chunk: defaultBatchRows}
	for b.Loop() {
		r, _ := tab.Read(context.Background(), connectors.Split{ID: "split-00"}, nil)
		d, _ := tab.Decoder()
		var c connectors.Chunk
		var out connectors.Decoded
		for r.(connectors.Reader).Next(context.Background(), &c) == nil {
			if err := d.Decode(&c, 0, c.Len(), &out); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

func benchJob(b *testing.B, plan func(*table) planner.Node, parallelism int) {
	tab := &table{chunk: defaultBatchRows}
	for range parallelism {
		tab.splits = append(tab.splits, manyRows(benchRows/parallelism))
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		o := Options{Rows: func(x *vec.Batch) error { n += x.Len(); return nil }}
		p := &planner.Plan{Roots: []planner.Node{collect(plan(tab))}, Settings: planner.Settings{Parallelism: parallelism}}
		j, err := start(context.Background(), p, fakeRuntime(o, func(x *vec.Batch, out op.Emitter) error { return out.Emit(x) }))
		if err != nil {
			b.Fatal(err)
		}
		if err := j.Wait(); err != nil || n != benchRows {
			b.Fatal(err, n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

// BenchmarkChain is source, calc and sink in one task.
func BenchmarkChain(b *testing.B) {
	benchJob(b, func(t *table) planner.Node { return calcOf(scanOf("t", t)) }, 1)
}

// BenchmarkExchange has a hash exchange between two tasks of two instances.
func BenchmarkExchange(b *testing.B) {
	benchJob(b, func(t *table) planner.Node { return calcOf(exchange(scanOf("t", t), 1)) }, 2)
}
