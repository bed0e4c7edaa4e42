package client

import (
	"context"
	"errors"
)

// spooled sends a batch that is on disk from before it is sent until every event of it is accepted or refused.
func (c *Client) spooled(batch []event, results []Result, send func()) error {
	if c.cfg.Spool == nil {
		send()
		return nil
	}
	name, err := c.cfg.Spool.put(c.cfg.Now(), batch)
	send()
	if err != nil {
		return err
	}
	return c.keep(name, int64(len(lines(batch))), batch, results)
}

func (c *Client) keep(name string, size int64, batch []event, results []Result) error {
	var open []event
	for _, e := range batch {
		if r := &results[e.index]; r.State == Open {
			r.Spooled = true
			open = append(open, e)
		}
	}
	return c.cfg.Spool.keep(name, size, open)
}

// Drain sends what the spool holds, the oldest first: what an earlier process left, and what Send could not get
// accepted. Call it after New and then every now and then. It stops at the first batch of which something stays
// open, because the next one would fare no better. The report is of what it tried; what was refused is not kept, so
// log it. Errors are those of Send, and of files that cannot be read.
func (c *Client) Drain(ctx context.Context) (Report, error) {
	var r Report
	if c.cfg.Spool == nil {
		return r, nil
	}
	names, err := c.cfg.Spool.waiting()
	var tallies []tally
	for _, name := range names {
		batch, results, size, failed := c.cfg.Spool.take(name)
		if err = errors.Join(err, failed); batch == nil {
			continue
		}
		var t tally
		c.deliver(ctx, batch, results, &t)
		err = errors.Join(err, c.keep(name, size, batch, results))
		tallies = append(tallies, t)
		r.Results = append(r.Results, results...)
		if r.Count(Open) > 0 {
			break
		}
		if c.cfg.Progress != nil {
			c.cfg.Progress(len(tallies), len(names))
		}
	}
	r.count(tallies)
	return r, errors.Join(err, r.err())
}
