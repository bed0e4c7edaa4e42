package dev

import (
	"time"

	"example.com/unbroken/internal/mem"
)

// Counted is c with every call to a service told to f.
func Counted(c Config, f mem.Fault) Config {
	c.calls = f
	return c
}

// Wake lets every queue be looked at now: a test moves the clock, and timers go by the real one.
func (w *World) Wake() {
	for p := range w.pollers {
		w.wakeAt(p, 0)
	}
}

// Hurried is c with minutes of another length.
func Hurried(c Config, minute time.Duration) Config {
	c.minute = minute
	return c
}
