package loop

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration written in Go's notation, with `d` for days allowed: "90s", "1d12h", "7d".
type Duration time.Duration

// ParseDuration reads Go's notation with an optional leading whole number of days. Durations are never
// negative; an error says what was expected.
func ParseDuration(s string) (Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	var total time.Duration
	if found {
		var n int64
		if _, err := fmt.Sscanf(days, "%d", &n); err != nil || fmt.Sprint(n) != days || n < 0 || n > 36500 {
			return 0, fmt.Errorf("%q is not a duration: write it like 90s, 5m, 2h30m or 7d", s)
		}
		total = time.Duration(n) * 24 * time.Hour
	} else {
		rest = s
	}
	if rest != "" || !found {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("%q is not a duration: write it like 90s, 5m, 2h30m or 7d", s)
		}
		total += d
	}
	return Duration(total), nil
}

// Std returns the standard library's form.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is the form that ParseDuration reads back.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
