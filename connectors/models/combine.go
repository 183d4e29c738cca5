package models

import (
	"time"

	"weir/connectors"
	"weir/connectors/option"
)

// Combine is the options of requests that carry several inputs.
type Combine struct {
	Size   int
	linger time.Duration
}

// Options binds the options; most is how many inputs the service takes.
func (c *Combine) Options(o *option.Set, most int, doc string) {
	o.Int(&c.Size, "batch.max-size", 1, doc).Range(1, float64(most))
	o.Duration(&c.linger, "batch.linger", 0, "How long a request that is not full waits for more inputs. At 0 it has those that came together.")
}

// Lookup has a lookup's requests wait for more inputs, where that is wanted.
func (c *Combine) Lookup(l connectors.Lookup) connectors.Lookup {
	return connectors.Combined(l, c.linger)
}
