package main

import (
	"errors"
	"testing"
	"time"
)

func TestAges(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "now", 300 * time.Millisecond: "now", 40*time.Second + 7e8: "40s ago", 61 * time.Second: "1m01s ago",
		3*time.Hour + 5*time.Minute: "3h05m ago", 72 * time.Hour: "3d ago",
	} {
		if got := age(testNow, testNow.Add(-d)); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if age(testNow, time.Time{}) != "never" {
		t.Error("the zero time was never")
	}
}

func TestForeignTextStaysOnItsLine(t *testing.T) {
	t.Parallel()
	if got := line("a\nb\x1b[2J\u009bc\tü"); got != "a b [2J c ü" {
		t.Errorf("%q", got)
	}
	if got := short(errors.New("operation error X: https response error StatusCode: 403, denied")); got != "https response error StatusCode: 403, denied" {
		t.Errorf("%q", got)
	}
}
