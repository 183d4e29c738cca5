package vec

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
)

const benchRows = 4096

func benchInts(distinct int) arrow.Array {
	values := make([]int32, benchRows)
	for i := range values {
		values[i] = int32(uint32(i*2654435761) % uint32(distinct))
	}
	return Int32s(values, nil)
}

func benchStrings(prefix string, distinct int) arrow.Array {
	b := NewTextBuilder()
	for i := range benchRows {
		b.AppendString(fmt.Sprint(prefix, uint32(i*2654435761)%uint32(distinct)))
	}
	return b.Array()
}

func perRow(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkGroups(b *testing.B) {
	window := make([]int64, benchRows)
	for i := range window {
		window[i] = int64(i/1000) * 60_000_000
	}
	ints := ColVec(benchInts(10_000))
	cases := map[string]struct {
		types []types.Type
		cols  []Vec
	}{
		"int":        {[]types.Type{types.IntType}, []Vec{ints}},
		"int,window": {[]types.Type{types.IntType, types.TimestampType(3)}, []Vec{ints, ColVec(Timestamps(types.TimestampType(3), window, nil))}},
		"string":     {[]types.Type{types.StringType}, []Vec{ColVec(benchStrings("key", 1000))}},
		"3 strings": {[]types.Type{types.StringType, types.StringType, types.StringType},
			[]Vec{ColVec(benchStrings("sensor-", 20)), ColVec(benchStrings("t", 5)), ColVec(benchStrings("WARN", 3))}},
	}
	for name, c := range cases {
		b.Run(name, func(b *testing.B) {
			g, out := NewGroups(c.types...), make([]int32, benchRows)
			for range b.N {
				g.Lookup(c.cols, benchRows, out, nil)
			}
			perRow(b)
		})
	}
}

func BenchmarkTake(b *testing.B) {
	idx := make([]int32, benchRows)
	for i := range idx {
		idx[i] = int32(uint32(i*2654435761) % benchRows)
	}
	for name, col := range map[string]arrow.Array{"int": benchInts(100), "string": benchStrings("key", 100)} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				Take(col, idx)
			}
			perRow(b)
		})
	}
}

func BenchmarkKeyEncode(b *testing.B) {
	enc := KeyOf(types.StringType, types.IntType)
	cols := []Vec{ColVec(benchStrings("key", 100)), ColVec(benchInts(100))}
	var keys Keys
	for range b.N {
		enc.Encode(&keys, cols, benchRows)
	}
	perRow(b)
}
