package rule

import (
	"time"

	"example.com/unbroken/internal/loop"
)

// leastExpected: observers look once a minute, and could not tell a shorter silence from one.
const leastExpected = loop.Duration(time.Minute)

// expectation checks how often an input is to be heard, and what stands in for it meanwhile.
func (c *checker) expectation(name, path string, in loop.Input) {
	if in.ExpectEvery == 0 {
		if in.Standby != "" || in.ExpectIn != "" {
			c.fail(path, "add expect_every: 1m", "expect_every is required: without it nobody knows when the input is silent")
		}
		return
	}
	if in.ExpectEvery < leastExpected {
		c.fail(path+".expect_every", "", "must be at least %s: inputs are looked at once a minute", leastExpected)
	}
	c.oneOf(path+".expect_in", in.ExpectIn, loop.ExpectAny, loop.ExpectEach)
	if in.Standby == "" {
		return
	}
	other, known := c.cfg.Inputs[in.Standby]
	switch {
	case !known:
		c.fail(path+".standby", "", "no input is named %q", in.Standby)
	case in.Standby == name:
		c.fail(path+".standby", "", "an input cannot stand in for itself")
	case other.Standby != "":
		c.fail(path+".standby", "", "%s has a standby of its own: name one that does not wait for another", in.Standby)
	}
}
