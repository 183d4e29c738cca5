package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// Of every 50 events the first is a person, the next three are auctions and the rest are bids.
const (
	cycle             = 50
	auctionsPerCycle  = 3
	firstPerson       = 1000
	firstAuction      = 1100
	recentPersons     = 1000 // how far back sellers and bidders are looked for
	recentAuctions    = 100
	firstCategory     = 10
	hotSellerEvery    = 4 // of this many people, one sells most
	hotBidderEvery    = 100
	hotAuctionEvery   = 100
	auctionMillis     = 20_000 // an auction is open for at most so long
	disorderedPercent = 5
)

// Generator makes auction events. The same fields give the same bytes on every machine: all arithmetic
// is of integers, and the random numbers are those of PCG.
type Generator struct {
	// Rate is events for each second of event time.
	Rate int
	// Disorder is the most milliseconds by which an event is behind; 0 keeps the events in order.
	Disorder int
	// PauseEvery and Pause put a pause of event time after each so many events; 0: none.
	PauseEvery int
	Pause      time.Duration
	// ExtraSize is the length of the padding texts.
	ExtraSize int

	random *rand.Rand
	start  time.Time
}

// Write writes n events, a JSON object a line.
func (g *Generator) Write(w io.Writer, n int) error {
	g.random = rand.New(rand.NewPCG(3, 2))
	g.start = time.Date(2024, 5, 1, 17, 0, 0, 0, time.UTC)
	out := bufio.NewWriter(w)
	for i := range n {
		at := int64(i) * 1000 / int64(g.Rate)
		if g.PauseEvery > 0 {
			at += int64(i/g.PauseEvery) * g.Pause.Milliseconds()
		}
		if g.Disorder > 0 && g.random.IntN(100) < disorderedPercent {
			at -= g.random.Int64N(int64(g.Disorder))
		}
		switch place := i % cycle; {
		case place == 0:
			g.person(out, i, at)
		case place <= auctionsPerCycle:
			g.auction(out, i, at)
		default:
			g.bid(out, i, at)
		}
	}
	return out.Flush()
}

// persons and auctions count those among the events before event i and i itself.
func persons(i int) int  { return i/cycle + 1 }
func auctions(i int) int { return i/cycle*auctionsPerCycle + min(i%cycle, auctionsPerCycle) }

func (g *Generator) person(w io.Writer, i int, at int64) {
	cities := []string{"Phoenix", "Boise", "Portland", "Bend", "Seattle", "Kent", "Cheyenne", "San José"}
	states := []string{"AZ", "ID", "OR", "CA", "WA", "WY"}
	name := g.text(5) + " " + g.text(7)
	fmt.Fprintf(w, `{"event_type":0,"person":{"id":%d,"name":"%s","emailAddress":"%s@%s.com","creditCard":"%04d %04d %04d %04d","city":"%s","state":"%s","dateTime":"%s","extra":"%s"}}`+"\n",
		firstPerson+persons(i)-1, name, g.text(6), g.text(4), g.random.IntN(10000), g.random.IntN(10000), g.random.IntN(10000), g.random.IntN(10000),
		cities[g.random.IntN(len(cities))], states[g.random.IntN(len(states))], g.time(at), g.text(g.ExtraSize))
}

func (g *Generator) auction(w io.Writer, i int, at int64) {
	opening := g.price()
	fmt.Fprintf(w, `{"event_type":1,"auction":{"id":%d,"itemName":"%s","description":"%s","initialBid":%d,"reserve":%d,"dateTime":"%s","expires":"%s","seller":%d,"category":%d,"extra":"%s"}}`+"\n",
		firstAuction+auctions(i)-1, g.text(8), g.text(10+g.random.IntN(20)), opening, opening+g.price(), g.time(at), g.time(at+1+g.random.Int64N(auctionMillis)),
		firstPerson+g.pick(persons(i), hotSellerEvery, recentPersons, 4), firstCategory+g.random.IntN(5), g.text(g.ExtraSize))
}

func (g *Generator) bid(w io.Writer, i int, at int64) {
	channel := fmt.Sprintf("channel-%d", g.random.IntN(50))
	if g.random.IntN(2) == 0 {
		channel = []string{"Google", "Facebook", "Baidu", "Apple"}[g.random.IntN(4)]
	}
	url := fmt.Sprintf("https://www.nexmark.com/%s/%s/item.htm?query=1", g.text(3), g.text(4))
	if g.random.IntN(10) > 0 {
		url += fmt.Sprintf("&channel_id=%d", g.random.IntN(1000))
	}
	fmt.Fprintf(w, `{"event_type":2,"bid":{"auction":%d,"bidder":%d,"price":%d,"channel":"%s","url":"%s","dateTime":"%s","extra":"%s"}}`+"\n",
		firstAuction+g.pick(auctions(i), hotAuctionEvery, recentAuctions, 2), firstPerson+g.pick(persons(i), hotBidderEvery, recentPersons, 4), g.price(), channel, url, g.time(at), g.text(g.ExtraSize))
}

// pick chooses among the first count things: mostly (but one time in `oneIn`) the hot one, else one of the
// recent, with a few that do not exist yet.
func (g *Generator) pick(count, hotEvery, recent, oneIn int) int {
	last := count - 1
	if g.random.IntN(oneIn) > 0 {
		return last / hotEvery * hotEvery
	}
	low := max(0, last-recent)
	return low + g.random.IntN(last-low+3)
}

// price is in cents: each number of digits from 3 to 8 is as likely.
func (g *Generator) price() int {
	low := 100
	for range g.random.IntN(6) {
		low *= 10
	}
	return low + g.random.IntN(9*low)
}

func (g *Generator) text(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte("abcdefghijklmnopqrstuvwxyz"[g.random.IntN(26)])
	}
	return b.String()
}

func (g *Generator) time(millis int64) string {
	return g.start.Add(time.Duration(millis) * time.Millisecond).Format("2006-01-02T15:04:05.000")
}
