package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"weir/examples/rig"
	"weir/internal/session"
)

// load is made-up orders at a rate: what must come of them is known, and when each item was put.
type load struct {
	items, rate, shards int
	products, s3        string

	want map[item]string    // the table that must come of it
	put  map[item]time.Time // when an item, or its order if that was later, was put for the first time
}

// item names a row of the result.
type item struct{ Order, Item int64 }

// row is a row of the result, as the stream has it.
type row struct {
	OrderID     int64    `json:"order_id"`
	ItemID      int64    `json:"item_id"`
	Product     *string  `json:"product"`
	Price       *float64 `json:"price"`
	Quantity    int      `json:"quantity"`
	Amount      *float64 `json:"amount"`
	ItemStatus  string   `json:"item_status"`
	OrderStatus string   `json:"order_status"`
	Ordered     string   `json:"ordered"`
	ShipTo      string   `json:"ship_to"`
	City        string   `json:"city"`
}

func (r *row) text() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // it has strings and finite numbers
	}
	return string(text)
}

const (
	knownProducts   = 200
	unknownProducts = 4 // that no item should be of
)

func price(product int64) float64 { return float64(product%97) + 0.5 }

// run puts the records at the rate while the job runs, folds what the output stream has until nothing is missing, and
// compares: with what must come of the records, and with what the same query gives as a batch.
func (l *load) run(ctx context.Context, folder string, out io.Writer) error {
	r, err := open(ctx, out, l.shards)
	if err != nil {
		return err
	}
	defer r.Close()
	dir, err := os.MkdirTemp("", "weir-products-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if l.products == "" {
		l.products = filepath.Join(dir, "products.json")
		if err := os.WriteFile(l.products, products(), 0o644); err != nil {
			return err
		}
	}
	vars := map[string]string{"PRODUCTS": l.products, "S3": l.s3, "RELOAD": "5 s"}
	jobs, err := r.Start(ctx, filepath.Join(folder, "enrich.sql"), vars)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(l.items)*time.Second/time.Duration(l.rate)*3+2*time.Minute)
	defer cancel()
	records, first := l.make()
	began := time.Now()
	sent := make(chan error, 1)
	go func() { sent <- l.send(ctx, r, records, first) }()
	got, err := l.fold(ctx, r, len(l.want), sent)
	if err != nil {
		return fmt.Errorf("%w (job: %s)", err, stateOf(jobs[0]))
	}
	fmt.Fprintf(out, "%d items of %d orders in %d records: %.1f s\n", len(first), l.items/4, len(records), time.Since(began).Seconds())
	got.report(out, l.put)
	for _, ref := range session.References(jobs[0].Stats()) {
		fmt.Fprintln(out, ref.Text(time.Now()))
	}
	if err := same("the table that the records make", l.want, got.rows); err != nil {
		return err
	}
	jobs[0].Stop(false)
	fmt.Fprintf(out, "equal to the table that the records make: %d rows\n", len(got.rows))
	return l.batch(ctx, r, out, got.rows)
}

func stateOf(j *session.Job) string {
	state, err := j.State()
	if err != nil {
		state += ": " + err.Error()
	}
	return state
}

func products() []byte {
	var b []byte
	for id := range int64(knownProducts) {
		b = fmt.Appendf(b, "{\"productId\": %d, \"productName\": \"product %d\", \"price\": %v}\n", id, id, price(id))
	}
	return b
}

// make makes the records, and the place of the record that completes each item for the first time.
func (l *load) make() (records []rig.Record, first map[item]int) {
	random := rand.New(rand.NewPCG(1, 2))
	l.want, first = map[item]string{}, map[item]int{}
	add := func(order int64, data, table, operation string) int {
		text := fmt.Appendf(nil, `{"data": {"orderId": %d, %s}, "metadata": {"timestamp": "2026-01-02T03:04:05.678Z", "record-type": "data", "operation": %q, "partition-key-type": "primary-key", "schema-name": "orderdb", "table-name": %q, "transaction-id": %d}}`,
			order, data, operation, table, order)
		records = append(records, rig.Record{Data: text, PartitionKey: fmt.Sprint(order)})
		return len(records) - 1
	}
	for order := range int64(l.items) / 4 {
		header := func(status, operation string) int {
			return add(order, fmt.Sprintf(`"orderAmount": 12.5, "orderStatus": %q, "orderDateTime": "2026-01-02T03:04:05Z", "shipToName": "somebody %d", "shipToCity": "city %d"`, status, order, order%50), "Orders", operation)
		}
		line := func(id int64, quantity int, status, operation string) int {
			return add(order, fmt.Sprintf(`"itemId": %d, "itemQuantity": %d, "itemAmount": 1, "itemStatus": %q`, id, quantity, status), "Items", operation)
		}
		late := random.IntN(10) == 0 // the order comes behind its items
		at, status := -1, "SHIP"
		if !late {
			at = header(status, "insert")
		}
		rows := map[item]*row{}
		for range 4 {
			id := random.Int64N(knownProducts + unknownProducts)
			for rows[item{order, id}] != nil {
				id = (id + 1) % knownProducts
			}
			r := &row{OrderID: order, ItemID: id, Quantity: 1 + random.IntN(9), ItemStatus: "SHIP", Ordered: "2026-01-02T03:04:05Z", ShipTo: fmt.Sprintf("somebody %d", order), City: fmt.Sprintf("city %d", order%50)}
			rows[item{order, id}] = r
			first[item{order, id}] = line(id, r.Quantity, r.ItemStatus, "insert")
		}
		if late {
			at = header(status, "insert")
		}
		for k := range rows {
			first[k] = max(first[k], at)
		}
		for _, k := range slices.SortedFunc(maps.Keys(rows), func(a, b item) int { return int(a.Item - b.Item) }) {
			switch random.IntN(50) {
			case 0:
				rows[k].ItemStatus = "BACK-ORDER"
				line(k.Item, rows[k].Quantity, rows[k].ItemStatus, "update")
			case 1:
				line(k.Item, rows[k].Quantity, rows[k].ItemStatus, "delete")
				delete(rows, k)
			}
		}
		if random.IntN(20) == 0 {
			status = "DELIVERED"
			header(status, "update")
		}
		for k, r := range rows {
			if r.OrderStatus = status; k.Item < knownProducts {
				name, one := fmt.Sprintf("product %d", k.Item), price(k.Item)
				all := float64(r.Quantity) * one
				r.Product, r.Price, r.Amount = &name, &one, &all
			}
			l.want[k] = r.text()
		}
	}
	return records, first
}

// send puts the records at the rate, a few milliseconds' worth at once.
func (l *load) send(ctx context.Context, r *rig.Rig, records []rig.Record, first map[item]int) error {
	completes := map[int][]item{}
	for k, at := range first {
		completes[at] = append(completes[at], k)
	}
	times := make([]time.Time, len(records))
	began, done := time.Now(), 0
	for done < len(records) {
		due := min(int(time.Since(began).Seconds()*float64(l.rate)), len(records), done+500)
		if due == done {
			time.Sleep(2 * time.Millisecond)
			continue
		}
		now := time.Now()
		for i := done; i < due; i++ {
			times[i] = now
		}
		if err := r.Put(ctx, "orders", records[done:due]); err != nil {
			return err
		}
		done = due
	}
	l.put = map[item]time.Time{}
	for at, keys := range completes {
		for _, k := range keys {
			l.put[k] = times[at]
		}
	}
	return nil
}

// folded is the table that the changes of the output stream amount to.
type folded struct {
	rows map[item]string
	at   map[item]time.Time // when the first row of an item was in the stream
	read map[item]time.Time // and was read from it
}

// fold reads the output stream until it amounts to the wanted table, or nothing new comes for a while after the last record was put.
func (l *load) fold(ctx context.Context, r *rig.Rig, rows int, sent <-chan error) (*folded, error) {
	f := &folded{rows: map[item]string{}, at: map[item]time.Time{}, read: map[item]time.Time{}}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var bad error
	last := time.Now()
	all := false
	err := r.Tail(ctx, "orders-enriched", func(a *rig.Arrived) bool {
		if a != nil {
			last = a.Read
			if bad = f.take(a); bad != nil {
				return true
			}
		}
		if !all {
			select {
			case bad = <-sent:
				all = true
			default:
			}
		}
		return bad != nil || all && len(f.rows) == rows && maps.Equal(f.rows, l.want)
	})
	if bad != nil {
		return nil, bad
	}
	if err == nil && !all {
		err = fmt.Errorf("%d of %d rows came; the last %s ago", len(f.rows), rows, time.Since(last).Round(time.Second))
	}
	return f, err
}

func (f *folded) take(a *rig.Arrived) error {
	var change struct{ Before, After *row }
	if err := json.Unmarshal(a.Data, &change); err != nil {
		return err
	}
	if b := change.Before; b != nil {
		k := item{b.OrderID, b.ItemID}
		if f.rows[k] != b.text() {
			return fmt.Errorf("taken back is %s, but there is %q", b.text(), f.rows[k])
		}
		delete(f.rows, k)
	}
	if r := change.After; r != nil {
		k := item{r.OrderID, r.ItemID}
		if f.rows[k] != "" {
			return fmt.Errorf("given twice: %s", r.text())
		}
		f.rows[k] = r.text()
		if f.at[k].IsZero() {
			f.at[k], f.read[k] = a.At(), a.Read
		}
	}
	return nil
}

func (f *folded) report(out io.Writer, put map[item]time.Time) {
	for _, x := range []struct {
		what string
		at   map[item]time.Time
	}{{"put to the row in the output stream", f.at}, {"put to the row read from it", f.read}} {
		var took []time.Duration
		for k, at := range x.at {
			took = append(took, at.Sub(put[k]))
		}
		slices.Sort(took)
		if len(took) > 0 {
			fmt.Fprintf(out, "%s: p50 %d ms, p90 %d ms, p99 %d ms, most %d ms\n", x.what, took[len(took)/2].Milliseconds(),
				took[len(took)*9/10].Milliseconds(), took[len(took)*99/100].Milliseconds(), took[len(took)-1].Milliseconds())
		}
	}
}

// batch asks the same question of the same records as a batch: one answer, without changes.
func (l *load) batch(ctx context.Context, r *rig.Rig, out io.Writer, rows map[item]string) error {
	var text [][]byte
	for _, statement := range []string{"ALTER TABLE changes SET ('scan.bounded.mode' = 'latest')", "SET 'execution.runtime-mode' = 'batch'",
		`SELECT o.order_id, i.item_id, i.product, i.price, i.quantity, i.quantity * i.price AS amount, i.status AS item_status, o.status AS order_status, DATE_FORMAT(o.ordered, 'yyyy-MM-dd''T''HH:mm:ss') || 'Z' AS ordered, o.ship_to, o.city
FROM orders AS o JOIN items AS i ON i.order_id = o.order_id`} {
		var err error
		if text, err = r.Lines(ctx, statement); err != nil {
			return err
		}
	}
	got := map[item]string{}
	for _, line := range text {
		var x row
		if err := json.Unmarshal(line, &x); err != nil {
			return err
		}
		got[item{x.OrderID, x.ItemID}] = x.text()
	}
	if err := same("the batch answer", got, rows); err != nil {
		return err
	}
	fmt.Fprintf(out, "equal to the batch answer: %d rows\n", len(got))
	return nil
}

func same(what string, want, got map[item]string) error {
	var lines []string
	for k := range want {
		if got[k] != want[k] {
			lines = append(lines, fmt.Sprintf("%v: %s, not %s", k, got[k], want[k]))
		}
	}
	for k := range got {
		if want[k] == "" {
			lines = append(lines, fmt.Sprintf("%v: %s, which is too much", k, got[k]))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	slices.Sort(lines)
	return fmt.Errorf("the stream differs from %s in %d rows:\n%s", what, len(lines), strings.Join(lines[:min(len(lines), 10)], "\n"))
}
