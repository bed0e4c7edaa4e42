package decide

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"example.com/unbroken/internal/loop"
)

// decode reads the items of a message without decoding the signals in them: most signals match no rule, and
// only their type is looked at. The signals are slices of body.
func decode(body []byte) ([]loop.Item, error) {
	var (
		d     decoder
		items []loop.Item
		v     string
	)
	end := fields(body, 0, func(name, rest []byte) int {
		switch string(name) {
		case "v":
			n := valueEnd(rest, 0)
			if n > 0 {
				v = string(rest[:n])
			}
			return n
		case "items":
			return elements(rest, 0, func(rest []byte) int {
				item, n := d.item(rest)
				if items == nil && n > 0 { // the items of a pack are about as long as its first one
					items = make([]loop.Item, 0, 1+min(len(rest)/n, loop.MaxBatchEvents))
				}
				items = append(items, item)
				return n
			})
		}
		return valueEnd(rest, 0)
	})
	switch {
	case v != "" && v != strconv.Itoa(loop.EnvelopeVersion):
		return nil, fmt.Errorf("the message has version %s; this function knows %d", v, loop.EnvelopeVersion)
	case d.err != nil:
		return nil, fmt.Errorf("decode item: %w", d.err)
	case end < 0 || v == "" || space(body, end) != len(body):
		return nil, loop.Refuse(loop.CodeMalformed, "the message is not an envelope")
	}
	return items, nil
}

// decoder remembers what the items of one pack share.
type decoder struct {
	stamp      string // the last acceptedAt as text, and as time
	acceptedAt time.Time
	input      string
	err        error
}

// item reads the item at the start of b and returns the index after it, or -1 with d.err set.
func (d *decoder) item(b []byte) (item loop.Item, end int) {
	end = fields(b, 0, func(name, rest []byte) int {
		n := valueEnd(rest, 0)
		if n < 0 {
			return -1
		}
		value := rest[:n]
		switch string(name) {
		case "acceptedAt":
			item.AcceptedAt, d.err = d.time(value)
		case "input":
			item.Input, d.err = d.text(value)
		case "signal":
			item.Signal = value
		case "standby":
			d.err = json.Unmarshal(value, &item.Standby)
		case "attempt":
			d.err = json.Unmarshal(value, &item.Attempt)
		case "hops":
			d.err = json.Unmarshal(value, &item.Hops)
		case "cause":
			d.err = json.Unmarshal(value, &item.Cause)
		case "quarantine":
			d.err = json.Unmarshal(value, &item.Quarantine)
		case "left":
			d.err = json.Unmarshal(value, &item.Left)
		case "timers":
			d.err = json.Unmarshal(value, &item.Timers)
		case "sampled":
			d.err = json.Unmarshal(value, &item.Sampled)
		}
		if d.err != nil {
			return -1
		}
		return n
	})
	if end >= 0 && (len(item.Signal) == 0 || item.AcceptedAt.IsZero()) {
		d.err, end = loop.Refuse(loop.CodeMalformed, "an item without signal or acceptedAt"), -1
	}
	return item, end
}

// time parses a timestamp once for all items that carry the same.
func (d *decoder) time(value []byte) (time.Time, error) {
	if string(value) == d.stamp {
		return d.acceptedAt, nil
	}
	err := json.Unmarshal(value, &d.acceptedAt)
	d.stamp = string(value)
	return d.acceptedAt, err
}

// text decodes the input's name once for all items that carry the same.
func (d *decoder) text(value []byte) (string, error) {
	if len(value) == len(d.input)+2 && string(value[1:len(value)-1]) == d.input {
		return d.input, nil
	}
	err := json.Unmarshal(value, &d.input)
	return d.input, err
}
