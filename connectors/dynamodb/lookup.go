package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"weir/connectors"
	wa "weir/connectors/aws"
	"weir/sql/types"
	"weir/sql/vec"
)

// maxAnswerBytes bounds what one key finds, with lookup.max-rows-per-key.
const maxAnswerBytes = 64 << 20

// parallelQueries is how many keys of one request are queried at once.
const parallelQueries = 8

// lookup asks for items by key.
type lookup struct {
	cfg  *config
	env  *connectors.Env
	name string // of the table in SQL
	scan connectors.LookupScan

	declared *lookupPlan   // by the DDL's PRIMARY KEY; nil: the service is asked for the key
	gate     chan struct{} // of who opens
	ready    atomic.Pointer[opened]
}

// opened is what asking needs.
type opened struct {
	api  *client
	plan *lookupPlan
}

// MaxKeys implements connectors.Lookup: keys that find several items each are asked one by one.
func (l *lookup) MaxKeys() int {
	plan := l.declared
	if o := l.ready.Load(); o != nil {
		plan = o.plan
	}
	if plan != nil && plan.partial() {
		return 1
	}
	return maxRequestKeys
}

// Close implements connectors.Lookup.
func (l *lookup) Close() error { return nil }

// open makes the client, and learns the table's key where the DDL does not say it.
func (l *lookup) open(ctx context.Context) (*opened, error) {
	if o := l.ready.Load(); o != nil {
		return o, nil
	}
	select {
	case l.gate <- struct{}{}:
		defer func() { <-l.gate }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if o := l.ready.Load(); o != nil {
		return o, nil
	}
	api, err := l.cfg.connect(ctx, l.env, l.name)
	if err != nil {
		return nil, err
	}
	plan := l.declared
	if plan == nil {
		if plan, err = l.learn(ctx, api); err != nil {
			return nil, err
		}
	}
	o := &opened{api, plan}
	l.ready.Store(o)
	return o, nil
}

// learn makes a plan for the key that the service tells.
func (l *lookup) learn(ctx context.Context, api *client) (*lookupPlan, error) {
	key, err := api.describe(ctx)
	if errors.Is(err, errNoDescribe) {
		return nil, fmt.Errorf("DynamoDB table %q: %w, and no PRIMARY KEY tells its key: declare it as PRIMARY KEY (...) NOT ENFORCED", l.cfg.table, err)
	}
	if err != nil {
		return nil, retryable(err)
	}
	plan := newLookupPlan(l.scan, key)
	if plan == nil {
		return nil, fmt.Errorf("DynamoDB table %q: %w", l.cfg.table, needsKey(key.names))
	}
	n := len(plan.at)
	return plan, api.checkTypes(tableKey{key.names[:n], key.types[:n]}, l.scan.Keys)
}

func retryable(err error) error {
	if err != nil && wa.Classify(err) != wa.Fatal {
		return connectors.Retryable(err)
	}
	return err
}

// asking is one call of Ask.
type asking struct {
	*lookupPlan
	l    *lookup
	api  *client
	keys *vec.Batch
	// wanted are the different keys of the table that are asked for, and by whom.
	wanted []wantedKey
}

// wantedKey is a key of the table and those of the request's keys that have it: they differ in what they filter by.
type wantedKey struct {
	key   item
	text  string
	of    []int
	items []item
}

// Ask implements connectors.Lookup.
func (l *lookup) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	o, err := l.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	a := &asking{lookupPlan: o.plan, l: l, api: o.api, keys: keys}
	a.gather()
	switch {
	case a.partial():
		err = a.query(ctx)
	case len(a.wanted) == 1:
		err = a.get(ctx)
	case len(a.wanted) > 1:
		err = a.batchGet(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	return a.answer()
}

// gather collects the keys to ask for. A key that no item can have, as an empty text, is not asked for: it finds nothing.
func (a *asking) gather() {
	seen := map[string]int{}
	for i := range a.keys.Len() {
		key := item{}
		for k, at := range a.at {
			v, err := encode(a.l.scan.Keys[at].Type, a.keys.Col(at), i)
			if err != nil || keyFault(v, k) != "" {
				key = nil
				break
			}
			key[a.key.names[k]] = v
		}
		if key == nil {
			continue
		}
		text := string(itemJSON(key))
		at, ok := seen[text]
		if !ok {
			at = len(a.wanted)
			seen[text] = at
			a.wanted = append(a.wanted, wantedKey{key: key, text: text})
		}
		a.wanted[at].of = append(a.wanted[at].of, i)
	}
}

// keyFault says why a value cannot be in a key: as its partition key (0) or sort key (1).
func keyFault(v value, part int) string {
	limit := []int{maxPartitionBytes, maxSortBytes}[part]
	size, _ := valueSize(v)
	switch v.(type) {
	case *dtypes.AttributeValueMemberNULL:
		return "is NULL"
	case *dtypes.AttributeValueMemberN:
		return ""
	}
	if size == 0 {
		return "is empty"
	}
	if size > limit {
		return fmt.Sprintf("has %d bytes, more than the %d that a key takes", size, limit)
	}
	return ""
}

// get asks for one item.
func (a *asking) get(ctx context.Context) error {
	in := &dynamodb.GetItemInput{TableName: &a.api.table, Key: a.wanted[0].key, ConsistentRead: &a.l.cfg.consistent,
		ProjectionExpression: a.projection, ExpressionAttributeNames: a.names}
	out, err := calling(ctx, a.api, func() (*dynamodb.GetItemOutput, error) { return a.api.api.GetItem(ctx, in) })
	if err == nil && out.Item != nil {
		a.wanted[0].items = []item{out.Item}
	}
	return err
}

// batchGet asks for several items, and again for those that the service left out.
func (a *asking) batchGet(ctx context.Context) error {
	byText, all := map[string]int{}, []item(nil)
	for i, w := range a.wanted {
		byText[w.text] = i
		all = append(all, w.key)
	}
	for len(all) > 0 {
		part := all[:min(len(all), maxRequestKeys)]
		all = all[len(part):]
		wait := firstWait
		for len(part) > 0 {
			found, left, err := a.batch(ctx, part)
			if err != nil {
				return err
			}
			if err := a.place(found, byText); err != nil {
				return err
			}
			if len(left) == 0 {
				break
			}
			if len(left) < len(part) { // an answer has 16 MB at most, so this may be no throttling
				wait = firstWait
			} else {
				a.api.held(throttled)
			}
			if err := a.pause(ctx, &wait); err != nil {
				return err
			}
			part = left
		}
		a.api.answered()
	}
	return nil
}

func (a *asking) batch(ctx context.Context, keys []item) (found, left []item, err error) {
	in := &dynamodb.BatchGetItemInput{RequestItems: map[string]dtypes.KeysAndAttributes{a.api.table: {
		Keys: keys, ConsistentRead: &a.l.cfg.consistent, ProjectionExpression: a.projection, ExpressionAttributeNames: a.names}}}
	out, err := calling(ctx, a.api, func() (*dynamodb.BatchGetItemOutput, error) { return a.api.api.BatchGetItem(ctx, in) })
	if err != nil {
		return nil, nil, err
	}
	for _, rest := range out.UnprocessedKeys { // one table: one entry, by its name or its ARN
		left = append(left, rest.Keys...)
	}
	for _, items := range out.Responses {
		found = append(found, items...)
	}
	return found, left, nil
}

// pause waits before another attempt; where the context ends first the error says what it waited for.
func (a *asking) pause(ctx context.Context, wait *time.Duration) error {
	if err := connectors.Sleep(ctx, a.api.jitter(*wait)); err != nil {
		return fmt.Errorf("DynamoDB table %q: %s: %w", a.api.table, throttled, err)
	}
	*wait = min(2**wait, maxWait)
	return nil
}

// place gives items to the keys that they have. The service spells a number in its own way, so a key is compared as
// what the column makes of it.
func (a *asking) place(items []item, byText map[string]int) error {
	for _, it := range items {
		key := item{}
		for k, at := range a.at {
			name := a.key.names[k]
			v, err := normal(a.l.scan.Keys[at].Type, it[name])
			if err != nil {
				return fmt.Errorf("DynamoDB table %q, attribute %q: %w", a.api.table, name, err)
			}
			key[name] = v
		}
		i, ok := byText[string(itemJSON(key))]
		if !ok {
			return fmt.Errorf("DynamoDB table %q answered with an item that it was not asked for", a.api.table)
		}
		a.wanted[i].items = append(a.wanted[i].items, it)
	}
	return nil
}

// normal is an attribute as a column of the type would write it.
func normal(t types.Type, v value) (value, error) {
	b := vec.NewBuilder(t)
	if err := decode(b, t, v); err != nil {
		return nil, err
	}
	return encode(t, b.Array(), 0)
}

// answer makes the rows: those of the first key first.
func (a *asking) answer() (*vec.Batch, []int32, error) {
	found := make([]*wantedKey, a.keys.Len())
	for w := range a.wanted {
		for _, i := range a.wanted[w].of {
			found[i] = &a.wanted[w]
		}
	}
	cols := a.l.scan.Columns
	builders := make([]vec.Builder, len(cols))
	for c := range cols {
		builders[c] = vec.NewBuilder(cols[c].Type)
	}
	of := []int32{}
	for i, w := range found {
		if w == nil {
			continue
		}
		for _, it := range w.items {
			ok, err := a.passes(i, it)
			for c := 0; err == nil && ok && c < len(cols); c++ {
				if err = decode(builders[c], cols[c].Type, it[cols[c].Name]); err != nil {
					err = fmt.Errorf("attribute %q: %w", cols[c].Name, err)
				}
			}
			if err != nil {
				return nil, nil, fmt.Errorf("DynamoDB table %q, item %s: %w", a.api.table, w.text, err)
			}
			if ok {
				of = append(of, int32(i))
			}
		}
	}
	arrays := make([]arrow.Array, len(cols))
	for c := range cols {
		arrays[c] = builders[c].Array()
	}
	return vec.New(cols.Arrow(), arrays, len(of), nil), of, nil
}

// passes tells whether an item has the values of a request's keys that are not in the table's key.
func (a *asking) passes(i int, it item) (bool, error) {
	for _, f := range a.filter {
		col := a.l.scan.Keys[f]
		want, err := encode(col.Type, a.keys.Col(f), i)
		if err != nil {
			return false, nil // no item has such a value
		}
		v, err := normal(col.Type, it[col.Name])
		if err != nil {
			return false, fmt.Errorf("attribute %q: %w", col.Name, err)
		}
		if _, isNull := v.(*dtypes.AttributeValueMemberNULL); isNull || string(appendJSON(nil, v)) != string(appendJSON(nil, want)) {
			return false, nil
		}
	}
	return true, nil
}

// query asks for the items of each partition key.
func (a *asking) query(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	places := make(chan struct{}, parallelQueries)
	var wg sync.WaitGroup
	for w := range a.wanted {
		places <- struct{}{}
		wg.Add(1)
		go func() {
			defer func() { <-places; wg.Done() }()
			if err := a.queryOne(ctx, &a.wanted[w]); err != nil {
				cancel(err) // the first counts; the others end with it
			}
		}()
	}
	wg.Wait()
	return context.Cause(ctx)
}

// queryOne reads a partition, page by page.
func (a *asking) queryOne(ctx context.Context, w *wantedKey) error {
	names, part := a.names, "#p"
	for alias, name := range a.names {
		if name == a.key.names[0] {
			part = alias
		}
	}
	if names == nil {
		names = map[string]string{part: a.key.names[0]}
	}
	in := &dynamodb.QueryInput{TableName: &a.api.table, ConsistentRead: &a.l.cfg.consistent, ProjectionExpression: a.projection,
		ExpressionAttributeNames: names, ExpressionAttributeValues: item{":p": w.key[a.key.names[0]]}, KeyConditionExpression: aws.String(part + " = :p")}
	bytes := 0
	for {
		out, err := calling(ctx, a.api, func() (*dynamodb.QueryOutput, error) { return a.api.api.Query(ctx, in) })
		if err != nil {
			return err
		}
		for _, it := range out.Items {
			size, _ := itemSize(it)
			bytes += size
		}
		w.items = append(w.items, out.Items...)
		if len(w.items) > a.l.cfg.maxRows || bytes > maxAnswerBytes {
			return fmt.Errorf("DynamoDB table %q has more than %d items (or %d MiB) of key %s: join on the sort key %q too, or raise 'lookup.max-rows-per-key'",
				a.api.table, a.l.cfg.maxRows, maxAnswerBytes>>20, w.text, a.key.names[1])
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// calling makes a call of a lookup. A throttled table holds the job back: the call is made again until the context
// ends. Other errors that pass are the caller's to retry.
func calling[T any](ctx context.Context, c *client, call func() (T, error)) (T, error) {
	wait := firstWait
	for {
		out, err := call()
		switch {
		case err == nil:
			c.answered()
			return out, nil
		case ctx.Err() != nil:
			return out, context.Cause(ctx)
		case classify(err) != wa.Throttled:
			return out, retryable(c.explain(ctx, "looking up", err))
		}
		c.held(throttled)
		if connectors.Sleep(ctx, c.jitter(wait)) != nil {
			return out, fmt.Errorf("DynamoDB table %q: %s: %w", c.table, throttled, context.Cause(ctx))
		}
		wait = min(2*wait, maxWait)
	}
}
