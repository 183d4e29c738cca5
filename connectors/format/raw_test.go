package format

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

func TestRaw(t *testing.T) {
	check := func(typ types.Type, in, want string, options ...string) {
		t.Helper()
		cols := types.Schema{{Name: "x", Type: typ}}
		conf := configOf(t, "raw", options...)
		dec, err := conf.Decoder(cols, cols, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &connectors.Chunk{Data: []byte(in), Beg: []int32{0}, End: []int32{int32(len(in))}}
		var out connectors.Decoded
		if err := dec.Decode(c, 0, 1, &out); err != nil {
			t.Fatal(err)
		}
		if len(out.Rejects) > 0 {
			if got := out.Rejects[0].Err.Error(); got != want {
				t.Errorf("%q: got %s, want %s", in, got, want)
			}
			return
		}
		if got := show(typ, out.Cols[0], 0); got != want {
			t.Errorf("%q as %s: got %q, want %q", in, typ, got, want)
		}
		enc, _ := conf.Encoder(cols, nil)
		back, err := enc.Encode(nil, vec.New(cols.Arrow(), []arrow.Array{out.Cols[0]}, 1, nil), 0)
		if err != nil || string(back) != in {
			t.Errorf("%q written back: %q, %v", in, back, err)
		}
	}
	check(types.StringType, "", "")
	check(types.StringType, "é😀", "é😀")
	check(types.StringType, "\xe9", "é", "charset", "iso-8859-1")
	check(types.StringType, "\xfe\xff\x00a\xd8\x3d\xde\x00", "a😀", "charset", "UTF-16")
	check(types.BytesType, "\x00\xff", "x'00ff'")
	check(types.BigIntType, "12345678", "3544952156018063160")
	check(types.BigIntType, "12345678", "4050765991979987505", "endianness", "little-endian")
	check(types.IntType, "\x00\x00\x01\x00", "256")
	check(types.SmallIntType, "\xff\xfe", "-2")
	check(types.DoubleType, "\x3f\xf8\x00\x00\x00\x00\x00\x00", "1.5")
	check(types.BooleanType, "\x01", "true")
	check(types.IntType, "123", `field "x": cannot read 3 bytes as INT, which takes 4`)
	if _, err := configOf(t, "raw").Decoder(sensorColumns, sensorColumns, nil); err == nil || !strings.Contains(fmt.Sprint(err), "one column") {
		t.Errorf("four columns: %v", err)
	}
}
