package backtest

import "runtime/debug"

// Roomy lets garbage grow before it is collected: a backtest lives briefly, allocates much and keeps little. The soft
// limit keeps its memory bounded all the same. It sets the process; what it returns sets both back.
func Roomy() func() {
	const percent, limit = 400, 200 << 20
	was, most := debug.SetGCPercent(percent), debug.SetMemoryLimit(limit)
	return func() { debug.SetGCPercent(was); debug.SetMemoryLimit(most) }
}
