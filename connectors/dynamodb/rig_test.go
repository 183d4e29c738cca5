package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// attrs is an item or a key as the API's JSON has it.
type attrs = map[string]map[string]any

// body is what requests may hold.
type body struct {
	TableName                 string
	Key                       attrs
	ExclusiveStartKey         attrs
	ProjectionExpression      string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues attrs
	ConsistentRead            bool
	RequestItems              json.RawMessage
}

type writeJSON struct {
	PutRequest    *struct{ Item attrs } `json:",omitempty"`
	DeleteRequest *struct{ Key attrs }  `json:",omitempty"`
}

type getJSON struct {
	Keys                     []attrs
	ProjectionExpression     string            `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	ConsistentRead           bool              `json:",omitempty"`
}

// fake is a small DynamoDB over HTTP with one table "t", whose calls can be made to fail.
type fake struct {
	*testing.T
	url  string
	keys []string // with their types: "id:N"
	// fail answers a call itself when it is true; it is given the operation, its number among those, and the request.
	fail atomic.Pointer[func(op string, n int, in *body, w http.ResponseWriter) bool]
	// leave says how many of the items of a batch the call of that number leaves undone.
	leave func(op string, n, of int) int
	page  int // items of a Query at once; 0: all

	mu    sync.Mutex
	items map[string]attrs
	order []string
	calls map[string]int
	log   []string // writes, "put {key}" and "del {key}"
	warns []string
}

func newFake(t *testing.T, keys ...string) *fake {
	f := &fake{T: t, keys: keys, items: map[string]attrs{}, calls: map[string]int{}, leave: func(string, int, int) int { return 0 }}
	srv := httptest.NewServer(f)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	f.url = srv.URL
	return f
}

func (f *fake) failing(fail func(op string, n int, in *body, w http.ResponseWriter) bool) {
	f.fail.Store(&fail)
}

func (f *fake) called(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func refuse(w http.ResponseWriter, status int, code, msg string) bool {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, code, msg)
	return true
}

func throttle(w http.ResponseWriter) bool {
	return refuse(w, 400, "ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded.")
}

// ServeHTTP answers a call.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	in := new(body)
	if err := json.Unmarshal(raw, in); err != nil {
		f.Errorf("%s: %v", op, err)
	}
	f.mu.Lock()
	f.calls[op]++
	n := f.calls[op]
	f.mu.Unlock()
	if fail := f.fail.Load(); fail != nil && (*fail)(op, n, in, w) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out any
	switch op {
	case "DescribeTable":
		out = f.describe()
	case "GetItem":
		out = map[string]any{}
		if it := f.items[f.keyText(in.Key)]; it != nil {
			out = map[string]any{"Item": project(it, in.ProjectionExpression, in.ExpressionAttributeNames)}
		}
	case "BatchGetItem":
		out = f.batchGet(in, n)
	case "BatchWriteItem":
		if out = f.batchWrite(in, n); out == nil {
			refuse(w, 400, "ValidationException", "Provided list of item keys contains duplicates")
			return
		}
	case "Query":
		out = f.query(in)
	default:
		f.Errorf("unknown call %q", op)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fake) describe() any {
	var schema, defs []map[string]string
	for i, k := range f.keys {
		name, typ, _ := strings.Cut(k, ":")
		schema = append(schema, map[string]string{"AttributeName": name, "KeyType": []string{"HASH", "RANGE"}[i]})
		defs = append(defs, map[string]string{"AttributeName": name, "AttributeType": typ})
	}
	return map[string]any{"Table": map[string]any{"TableName": "t", "TableStatus": "ACTIVE", "KeySchema": schema, "AttributeDefinitions": defs}}
}

// keyText spells a key as the service does: numbers in their shortest form.
func (f *fake) keyText(it attrs) string {
	var parts []string
	for _, k := range f.keys {
		name, typ, _ := strings.Cut(k, ":")
		text := fmt.Sprint(it[name][typ])
		if v, err := strconv.ParseFloat(text, 64); typ == "N" && err == nil {
			text = strconv.FormatFloat(v, 'f', -1, 64)
			it[name] = map[string]any{"N": text}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "|")
}

func project(it attrs, expr string, names map[string]string) attrs {
	if expr == "" {
		return it
	}
	out := attrs{}
	for _, alias := range strings.Split(expr, ",") {
		if v, ok := it[names[alias]]; ok {
			out[names[alias]] = v
		}
	}
	return out
}

func (f *fake) batchGet(in *body, n int) any {
	req := map[string]getJSON{}
	_ = json.Unmarshal(in.RequestItems, &req)
	get := req["t"]
	left := f.leave("BatchGetItem", n, len(get.Keys))
	found := []attrs{}
	for i := len(get.Keys) - left - 1; i >= 0; i-- { // in no order that one may rely on
		if it := f.items[f.keyText(get.Keys[i])]; it != nil {
			found = append(found, project(it, get.ProjectionExpression, get.ExpressionAttributeNames))
		}
	}
	out := map[string]any{"Responses": map[string]any{"t": found}, "UnprocessedKeys": map[string]any{}}
	if left > 0 {
		get.Keys = get.Keys[len(get.Keys)-left:]
		out["UnprocessedKeys"] = map[string]any{"t": get}
	}
	return out
}

func (f *fake) batchWrite(in *body, n int) any {
	req := map[string][]writeJSON{}
	_ = json.Unmarshal(in.RequestItems, &req)
	list := req["t"]
	if len(list) == 0 || len(list) > 25 {
		f.Errorf("BatchWriteItem with %d items", len(list))
	}
	left := f.leave("BatchWriteItem", n, len(list))
	seen := map[string]bool{}
	for _, w := range list {
		if key := f.keyText(w.attrs()); seen[key] {
			return nil
		} else {
			seen[key] = true
		}
	}
	for _, w := range list[left:] {
		key := f.keyText(w.attrs())
		if w.DeleteRequest != nil {
			delete(f.items, key)
			f.log = append(f.log, "del "+key)
			continue
		}
		if f.items[key] == nil {
			f.order = append(f.order, key)
		}
		f.items[key] = w.PutRequest.Item
		f.log = append(f.log, "put "+key)
	}
	if left == 0 {
		return map[string]any{"UnprocessedItems": map[string]any{}}
	}
	return map[string]any{"UnprocessedItems": map[string]any{"t": list[:left]}}
}

func (w writeJSON) attrs() attrs {
	if w.DeleteRequest != nil {
		return w.DeleteRequest.Key
	}
	return w.PutRequest.Item
}

func (f *fake) query(in *body) any {
	name, typ, _ := strings.Cut(f.keys[0], ":")
	var found []attrs
	last := attrs(nil)
	skip := in.ExclusiveStartKey != nil
	for _, key := range f.order {
		it := f.items[key]
		if it == nil || fmt.Sprint(it[name][typ]) != fmt.Sprint(in.ExpressionAttributeValues[":p"][typ]) {
			continue
		}
		if skip {
			skip = key != f.keyText(in.ExclusiveStartKey)
			continue
		}
		if f.page > 0 && len(found) == f.page {
			break
		}
		found = append(found, project(it, in.ProjectionExpression, in.ExpressionAttributeNames))
		last = attrs{}
		for _, k := range f.keys {
			n, _, _ := strings.Cut(k, ":")
			last[n] = it[n]
		}
	}
	out := map[string]any{"Items": found, "Count": len(found)}
	if f.page > 0 && len(found) == f.page {
		out["LastEvaluatedKey"] = last
	}
	return out
}

func (f *fake) env() *connectors.Env {
	random := uint64(1)
	return &connectors.Env{
		Now: time.Now, Random: func() uint64 { return connectors.Mix(atomic.AddUint64(&random, 1)) }, Logger: slog.New(slog.DiscardHandler), Zone: time.UTC,
		Warn: func(text string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.warns = append(f.warns, text)
		},
	}
}

func (f *fake) warnings() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.warns, "\n")
}

// writes is what was done, in order.
func (f *fake) writes() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.log, ", ")
}

// content is all items, in the order in which they first came.
func (f *fake) content() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, key := range f.order {
		if it := f.items[key]; it != nil {
			text, _ := json.Marshal(it)
			out = append(out, string(text))
		}
	}
	return strings.Join(out, "\n")
}

// configure decodes options "key=value".
func configure(t testing.TB, options ...string) *config {
	t.Helper()
	values := map[string]option.Value{"table-name": {Text: "t"}, "aws.region": {Text: "us-east-1"}}
	for _, o := range options {
		k, v, _ := strings.Cut(o, "=")
		values[k] = option.Value{Text: v}
	}
	c := new(config)
	if _, err := option.Decode(values, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// schema reads "id BIGINT, name STRING": types of one word only.
func schema(text string) types.Schema {
	known := map[string]types.Type{"STRING": types.StringType, "BIGINT": types.BigIntType, "INT": types.IntType, "DOUBLE": types.DoubleType,
		"BOOLEAN": types.BooleanType, "BYTES": types.BytesType, "DECIMAL": types.DecimalType(10, 2), "TIMESTAMP": types.TimestampType(3),
		"LTZ": types.LTZType(3), "DATE": types.DateType, "ARRAY": types.ArrayType(types.IntType)}
	var out types.Schema
	for _, part := range strings.Split(text, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(part), " ")
		t, ok := known[typ]
		if !ok {
			panic("no type " + typ)
		}
		out = append(out, types.Column{Name: name, Type: t})
	}
	return out
}

// rows is a batch of "+I 1 a": a kind, and a text for each column; "-" is NULL, "”" an empty text.
func rows(s types.Schema, lines ...string) *vec.Batch {
	builders := make([]vec.Builder, len(s))
	for i := range s {
		builders[i] = vec.NewBuilder(s[i].Type)
	}
	var kinds []types.RowKind
	for _, line := range lines {
		parts := strings.Fields(line)
		kinds = append(kinds, map[string]types.RowKind{"+I": types.Insert, "-U": types.UpdateBefore, "+U": types.UpdateAfter, "-D": types.Delete}[parts[0]])
		for i := range s {
			switch text := parts[i+1]; {
			case text == "-":
				builders[i].AppendNull()
			case text == "''":
				builders[i].(*vec.TextBuilder).AppendString("")
			case s[i].Type.IsBytes():
				builders[i].(*vec.TextBuilder).AppendString(text)
			default:
				if err := decode(builders[i], s[i].Type, s1(text)); err != nil {
					panic(err)
				}
			}
		}
	}
	cols := make([]arrow.Array, len(s))
	for i := range s {
		cols[i] = builders[i].Array()
	}
	return vec.New(s.Arrow(), cols, len(lines), kinds)
}

// show is the rows of an answer: "of: a, b".
func show(s types.Schema, b *vec.Batch, of []int32) string {
	var out []string
	for i, o := range of {
		var parts []string
		for c := range s {
			if b.Col(c).IsNull(i) {
				parts = append(parts, "-")
				continue
			}
			parts = append(parts, string(fn.AppendText(nil, s[c].Type, b.Col(c), i, time.UTC)))
		}
		out = append(out, fmt.Sprintf("%d: %s", o, strings.Join(parts, ", ")))
	}
	return strings.Join(out, "; ")
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
