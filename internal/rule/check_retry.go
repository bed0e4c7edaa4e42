package rule

import (
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// maxRetryCap is the longest wait between two attempts: a target that comes back is used within half a day.
const maxRetryCap = 12 * time.Hour

// retry checks the waits between an action's attempts. How long it is tried in all is its expire_after.
func (c *checker) retry(path string, a loop.Action) {
	if a.Retry == (loop.Backoff{}) {
		return
	}
	switch {
	case a.Retry.Base.Std() < 100*time.Millisecond:
		c.fail(path+".retry.base", "such as 1s", "must be at least 100ms, so that a retry is never a loop")
	case a.Retry.Cap < a.Retry.Base:
		c.fail(path+".retry.cap", "", "%s is less than the base, %s", a.Retry.Cap, a.Retry.Base)
	case a.Retry.Cap.Std() > maxRetryCap:
		c.fail(path+".retry.cap", "", "must be at most %s", loop.Duration(maxRetryCap))
	case a.Retry.Base > a.ExpireAfter:
		c.fail(path+".retry.base", "raise expire_after", "the first wait is longer than expire_after, %s: there is no second attempt", a.ExpireAfter)
	}
}

// fallback checks what lands once an action is given up: another action, without a circle, whose resource nobody
// else orders by fences.
func (c *checker) fallback(path, name string) {
	chain := []string{name}
	for at := c.cfg.Actions[name].Fallback; at != ""; at = c.cfg.Actions[at].Fallback {
		next, ok := c.cfg.Actions[at]
		switch {
		case !ok && len(chain) == 1:
			c.fail(path+".fallback", suggest(at, c.cfg.Actions), "no action is named %q", at)
			return
		case !ok:
			return // said where it is named
		case slices.Contains(chain, at):
			c.fail(path+".fallback", "", "goes round in a circle: %s", strings.Join(append(chain, at), " → "))
			return
		case exclusive(next.Effect):
			c.fail(path+".fallback", "use a webhook, a topic or a queue", "%s is %s: its resource belongs to the steps of one rule", at, next.Effect)
			return
		}
		chain = append(chain, at)
	}
}
