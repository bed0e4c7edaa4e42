package rule

import (
	"net/url"
	"time"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

func (d *decoder) health(into *loop.Health) func(ast.Node, string) {
	b := &into.Bounds
	return func(n ast.Node, path string) {
		d.fields(n, path, known{
			"drain":          d.text(&into.Drain),
			"heartbeat":      d.text(&into.Heartbeat),
			"receipt_age":    d.duration(&b.ReceiptAge),
			"queue_age":      d.duration(&b.QueueAge),
			"queue_growth":   d.integer(&b.QueueGrowth),
			"dead_letters":   d.integer(&b.DeadLetters),
			"error_ratio":    d.number(&b.ErrorRatio),
			"throttle_ratio": d.number(&b.ThrottleRatio),
		})
	}
}

// number reads a number of either kind.
func (d *decoder) number(into *float64) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		var v *float64
		if d.threshold(&v)(n, path); v != nil {
			*into = *v
		}
	}
}

// A canary's age goes up to CanaryEvery in a chain that is well, and to twice that where one is missed. The region's
// own health turns at CanaryKeep, whatever observers think.
const (
	minReceiptAge = 2 * loop.CanaryEvery
	maxReceiptAge = 15 * time.Minute
)

// health checks what the observers are told. The heartbeat's target is somebody else's: it gets nothing in the clear.
func (c *checker) health() {
	h := c.cfg.Health
	c.oneOf("health.drain", h.Drain, loop.DrainAutomatic, loop.DrainOperator)
	if h.Heartbeat != "" {
		if u, err := url.Parse(h.Heartbeat); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			c.fail("health.heartbeat", "such as https://heartbeat.example.com/loop", "must be an https URL without credentials")
		}
	}
	if age := h.Bounds.ReceiptAge.Std(); age <= minReceiptAge || age > maxReceiptAge {
		c.fail("health.receipt_age", "such as 75s: a canary is sent every "+loop.CanaryEvery.String(), "must be more than %s and at most %s", minReceiptAge, maxReceiptAge)
	}
	if age := h.Bounds.QueueAge.Std(); age < time.Minute || age > loop.SourceRetention {
		c.fail("health.queue_age", "such as 20m", "must be from 1m to 4d, which is how long a message is kept")
	}
	if h.Bounds.QueueGrowth < 1 {
		c.fail("health.queue_growth", "such as 1000", "must be 1 or more messages")
	}
	if h.Bounds.DeadLetters < 0 {
		c.fail("health.dead_letters", "0 tells of the first one", "must be 0 or more messages")
	}
	for _, one := range []struct {
		field string
		value float64
	}{{"error_ratio", h.Bounds.ErrorRatio}, {"throttle_ratio", h.Bounds.ThrottleRatio}} {
		if !(one.value > 0 && one.value < 1) { // also not a number
			c.fail("health."+one.field, "such as 0.1", "must be more than 0 and less than 1")
		}
	}
}
