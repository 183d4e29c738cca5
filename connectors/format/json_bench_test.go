package format

import (
	"bytes"
	"os"
	"testing"

	"weir/connectors"
	"weir/sql/types"
)

// chunkOf makes a chunk of the lines of a text.
func chunkOf(data []byte) *connectors.Chunk {
	c := &connectors.Chunk{Data: data}
	for p := 0; p < len(data); {
		end, next := Lines{}.Next(data, p, true)
		c.Beg, c.End = append(c.Beg, int32(p)), append(c.End, int32(end))
		p = next
	}
	return c
}

var sensorColumns = types.Schema{
	{Name: "sensor_id", Type: types.IntType}, {Name: "current_temperature", Type: types.DoubleType},
	{Name: "status", Type: types.VarCharType(6)}, {Name: "event_time", Type: types.TimestampType(3)},
}

func sensorLines(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(`{"sensor_id": `)
		b.WriteString([]string{"1847", "3300", "12", "4711"}[i%4])
		b.WriteString(`, "current_temperature": `)
		b.WriteString([]string{"169.88", "36.60", "64.06", "119.58"}[i%4])
		b.WriteString(`, "status": "`)
		b.WriteString([]string{"ERROR", "OK", "WARNING", "OK", "OK"}[i%5])
		b.WriteString(`", "event_time": "2021-05-19T11:`)
		b.Write(appendPad(nil, i/60%60, 2))
		b.WriteByte(':')
		b.Write(appendPad(nil, i%60, 2))
		b.WriteString(`.000", "location": "site-059/building-01/floor-8"}` + "\n")
	}
	return b.Bytes()
}

func BenchmarkJSONDecode(b *testing.B) {
	data := sensorLines(20000)
	if real, err := os.ReadFile(os.Getenv("WEIR_BENCH_JSON")); err == nil {
		data = real
	}
	c := chunkOf(data)
	dec, err := (&jsonConfig{standard: "ISO-8601"}).Decoder(sensorColumns, sensorColumns, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	var out connectors.Decoded
	for b.Loop() {
		for lo := 0; lo < c.Len(); lo += 4096 {
			if err := dec.Decode(c, lo, min(lo+4096, c.Len()), &out); err != nil || len(out.Rejects) > 0 {
				b.Fatal(err, out.Rejects)
			}
		}
	}
	b.ReportMetric(float64(c.Len())*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkJSONNested decodes objects of three kinds in turn, each nested in its own column.
func BenchmarkJSONNested(b *testing.B) {
	data, err := os.ReadFile(os.Getenv("WEIR_BENCH_NEXMARK"))
	if err != nil {
		b.Skip("WEIR_BENCH_NEXMARK names no file of auction events")
	}
	row := func(text ...string) types.Type {
		var fields []types.Field
		for _, name := range text {
			t := types.StringType
			switch name {
			case "id", "initialBid", "reserve", "seller", "category", "auction", "bidder", "price":
				t = types.BigIntType
			case "dateTime", "expires":
				t = types.TimestampType(3)
			}
			fields = append(fields, types.Field{Name: name, Type: t})
		}
		return types.RowType(fields...)
	}
	cols := types.Schema{
		{Name: "event_type", Type: types.IntType},
		{Name: "person", Type: row("id", "name", "emailAddress", "creditCard", "city", "state", "dateTime", "extra")},
		{Name: "auction", Type: row("id", "itemName", "description", "initialBid", "reserve", "dateTime", "expires", "seller", "category", "extra")},
		{Name: "bid", Type: row("auction", "bidder", "price", "channel", "url", "dateTime", "extra")},
	}
	c := chunkOf(data)
	dec, err := (&jsonConfig{standard: "ISO-8601"}).Decoder(cols, cols, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	var out connectors.Decoded
	for b.Loop() {
		for lo := 0; lo < c.Len(); lo += 4096 {
			if err := dec.Decode(c, lo, min(lo+4096, c.Len()), &out); err != nil || len(out.Rejects) > 0 {
				b.Fatal(err, out.Rejects)
			}
		}
	}
	b.ReportMetric(float64(c.Len())*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
