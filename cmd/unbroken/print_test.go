package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
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
}

// SDK errors name every layer they passed; a cell of a table has room for the reason.
func TestShortErrors(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"":                            nil,
		"no answer within 3s":         fmt.Errorf("x: %w", context.DeadlineExceeded),
		"no connection: EOF":          fmt.Errorf("operation error SQS: %w", &url.Error{Op: "Post", URL: "http://x/", Err: io.EOF}),
		"AccessDenied: no":            fmt.Errorf("operation error SQS: %w", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}),
		strings.Repeat("ü", 80) + "…": errors.New(strings.Repeat("ü", 200)),
	} {
		if got := short(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
