package session

import (
	"fmt"
	"time"

	"weir/exec"
	"weir/exec/job"
)

// longAsk is how long a request may take before it is what a job waits for.
const longAsk = time.Second

// addAsks sums up what instances wait for.
func (n *diagnosed) addAsks(a exec.AskStats) {
	n.asks.UnderWay += a.UnderWay
	if n.asks.Since.IsZero() || !a.Since.IsZero() && a.Since.Before(n.asks.Since) {
		n.asks.Since = a.Since
	}
	if n.asks.Status == "" {
		n.asks.Status = a.Status
	}
}

// asking tells of requests that take long, and what waits behind them.
func (d *diagnosis) asking(n *diagnosed) []string {
	if d.state != string(job.Running) {
		return nil
	}
	text, waited := "", time.Duration(0)
	if n.asks.UnderWay > 0 {
		waited = d.now.Sub(n.asks.Since)
	}
	switch {
	case waited >= longAsk:
		text = fmt.Sprintf("%s waits for answers: %d requests are under way, the oldest for %s", n.name(), n.asks.UnderWay, waited.Round(100*time.Millisecond))
		if n.asks.Status != "" {
			text += "; " + n.asks.Status
		}
	case n.asks.Status != "":
		text = n.name() + " is held up: " + n.asks.Status
	default:
		return nil
	}
	return []string{text + "; the watermark stays at " + timeText(n.watermark) + " and sources wait until answers come"}
}
