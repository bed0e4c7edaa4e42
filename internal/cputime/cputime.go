// Package cputime reports what benchmarks cost in time of the processor. A wall clock also counts what others do on the
// machine; this does not, so that two runs can be compared on a machine that is busy. For tests only.
package cputime

import (
	"syscall"
	"testing"
	"time"
)

// Used is the processor time of this process since it started: its own and what the system did for it, of all cores.
func Used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Peak is the most memory that this process has had so far, in bytes.
func Peak() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss * 1024 // Linux counts kilobytes: getrusage(2)
}

// Report adds signals a second of processor time to a benchmark that took n signals since the given Used.
func Report(b *testing.B, since time.Duration, n int) {
	b.Helper()
	b.ReportMetric(float64(n)/(Used()-since).Seconds(), "signals/cpu-s")
}
