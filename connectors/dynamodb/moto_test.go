package dynamodb

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// moto is a DynamoDB server of somebody else's; started by ../../../shared/kinesis/servers/start moto.
const moto = "127.0.0.1:5000"

// motoTable creates a table with the key "id:N", "at:S", and gives the options of a SQL table over it. Its environment is
// that of a fake that nobody calls.
func motoTable(t *testing.T, keys ...string) (putting, looking) {
	t.Helper()
	c, err := net.DialTimeout("tcp", moto, time.Second)
	if err != nil {
		t.Skipf("SKIPPED: no DynamoDB server on %s; start one with ../shared/kinesis/servers/start moto", moto)
	}
	_ = c.Close()
	name := fmt.Sprintf("weir-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	options := []string{"table-name=" + name}
	f := newFake(t, keys...)
	f.url = "http://" + moto
	api, err := configure(t, "table-name="+name, "aws.endpoint="+f.url).connect(context.Background(), f.env(), name)
	if err != nil {
		t.Fatal(err)
	}
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: dtypes.BillingModePayPerRequest}
	for i, k := range keys {
		attr, typ, _ := strings.Cut(k, ":")
		in.AttributeDefinitions = append(in.AttributeDefinitions, dtypes.AttributeDefinition{AttributeName: &attr, AttributeType: dtypes.ScalarAttributeType(typ)})
		in.KeySchema = append(in.KeySchema, dtypes.KeySchemaElement{AttributeName: &attr, KeyType: []dtypes.KeyType{dtypes.KeyTypeHash, dtypes.KeyTypeRange}[i]})
	}
	if _, err := api.api.CreateTable(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := api.api.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(name)}); err != nil {
			t.Error(err)
		}
	})
	return putting{fake: f, options: options}, looking{fake: f, options: options}
}

// TestMotoKeys writes to a table of somebody else's server, and looks up what is there.
func TestMotoKeys(t *testing.T) {
	p, l := motoTable(t, "race:S", "rank:N")
	p.cols, p.primary = "race STRING, rank DECIMAL, who STRING, size INT", []string{"race", "rank"}
	var lines []string
	for i := range 150 {
		lines = append(lines, fmt.Sprintf("+I r%d %d.50 w%d %d", i%3, i/3, i, i%2))
	}
	lines = append(lines, "+U r0 0.5 again 1", "-D r1 0.5 - -", "+I r2 0.5 - -")
	if err := p.do(lines...); err != nil {
		t.Fatal(err)
	}
	for _, primary := range [][]string{p.primary, nil} {
		l.primary, l.cols, l.keys = primary, "who STRING, rank DECIMAL", "rank DECIMAL, race STRING"
		l.finds("0: again, 0.50", "0.5 r0")
		l.finds("0: w4, 1.50; 2: again, 0.50; 3: -, 0.50; 4: w147, 49.50", "1.5 r1", "0.5 r1", "0.5 r0", "0.5 r2", "49.5 r0", "50.5 r0")
		l.keys = "race STRING"
		if got, err := l.ask("r1"); err != nil || len(strings.Split(got, "; ")) != 49 || !strings.HasPrefix(got, "0: w4, 1.50; 0: w7, 2.50") {
			t.Errorf("%q, %v", got, err)
		}
		l.keys = "size INT, race STRING, rank DECIMAL"
		l.finds("1: again, 0.50", "0 r0 0.5", "1 r0 0.5")
	}
	var keys []string
	for i := range 100 {
		keys = append(keys, fmt.Sprintf("%d.5 r0", i))
	}
	l.keys = "rank DECIMAL, race STRING"
	if got, err := l.ask(keys...); err != nil || len(strings.Split(got, "; ")) != 50 {
		t.Errorf("%q, %v", got, err)
	}
}

// TestMotoTypes writes a value of each type, and a NULL, and finds them as they were.
func TestMotoTypes(t *testing.T) {
	p, l := motoTable(t, "id:S")
	row := types.RowType(field("a", types.IntType), field("b", types.ArrayType(types.TimestampType(6))))
	cols := types.Schema{{Name: "id", Type: types.StringType}}
	values := []value{s1("full")}
	for _, c := range []struct {
		t types.Type
		v value
	}{
		{types.BooleanType, yes(true)}, {types.TinyIntType, n1("-7")}, {types.SmallIntType, n1("300")}, {types.IntType, n1("70000")},
		{types.BigIntType, n1("-9223372036854775808")}, {types.FloatType, n1("1.5")}, {types.DoubleType, n1("1e-100")},
		{types.DecimalType(38, 8), n1("123456789012345678901234567890.12345678")}, {types.StringType, s1(`"ü" 😀` + "\n")}, {types.CharType(3), s1("abc")},
		{types.BytesType, b1("\x00\xff")}, {types.DateType, s1("2024-02-29")}, {types.TimeType(3), s1("01:02:03.004")},
		{types.TimestampType(3), s1("2024-02-29T01:02")}, {types.TimestampType(9), s1("2024-02-29T01:02:03.000000004")}, {types.LTZType(6), s1("2024-02-29T01:02:03.000004Z")},
		{types.ArrayType(types.IntType), l1(n1("1"), null)}, {types.MultisetType(types.StringType), l1(s1("a"), s1("a"))},
		{types.MapType(types.StringType, types.DoubleType), m1(item{"b c": n1("0"), "x": null})}, {row, m1(item{"a": null, "b": l1(s1("2024-02-29T01:02"))})},
	} {
		cols = append(cols, types.Column{Name: fmt.Sprintf("select.%d", len(cols)), Type: c.t}) // no name for an expression
		values = append(values, c.v)
	}
	arrays := make([]arrow.Array, len(cols))
	for i, c := range cols {
		b := vec.NewBuilder(c.Type)
		for _, v := range []value{values[i], nil} {
			if i == 0 && v == nil {
				v = s1("nulls")
			}
			if err := decode(b, c.Type, v); err != nil {
				t.Fatal(err)
			}
		}
		arrays[i] = b.Array()
	}
	full := vec.New(cols.Arrow(), arrays, 2, nil)
	desc := &connectors.TableDesc{Name: "c.d.things", Columns: cols, PrimaryKey: []string{"id"}}
	cfg := configure(t, append([]string{"aws.endpoint=" + p.url}, p.options...)...)
	sink, err := cfg.Sink(desc, p.env(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	ctx := within(t, 20*time.Second)
	if err := sink.Write(ctx, full); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	look, err := cfg.Lookup(desc, connectors.LookupScan{Columns: cols, Keys: cols[:1]}, l.env())
	if err != nil {
		t.Fatal(err)
	}
	found, of, err := look.Ask(ctx, rows(cols[:1], "+I nulls", "+I full"))
	if err != nil || len(of) != 2 {
		t.Fatal(of, err)
	}
	if got, want := show(cols, found, []int32{0, 0}), show(cols, vec.New(cols.Arrow(), arrays, 2, nil), []int32{0, 0}); got != swap(want) {
		t.Errorf("%s\nwant\n%s", got, swap(want))
	}
}

// swap is two rows the other way round.
func swap(rows string) string {
	a, b, _ := strings.Cut(rows, "; ")
	return b + "; " + a
}

// TestMotoErrors meets the errors of a server, as it words them.
func TestMotoErrors(t *testing.T) {
	p, l := motoTable(t, "id:S")
	p.cols, p.primary = "id STRING, v STRING", []string{"id"}
	l.cols, l.keys, l.primary = "other STRING", "other STRING", []string{"other"}
	l.fails(`its key is another: `, "1")
	l.options = []string{"table-name=nowhere"}
	l.fails(`there is no DynamoDB table "nowhere"`, "1")
	p.options = []string{"table-name=nowhere"}
	p.refuses(`there is no DynamoDB table "nowhere"`, "+I a b")
}
