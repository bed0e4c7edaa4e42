package dev

import "example.com/unbroken/internal/mem"

// Counted is c with every call to a service told to f.
func Counted(c Config, f mem.Fault) Config {
	c.calls = f
	return c
}
