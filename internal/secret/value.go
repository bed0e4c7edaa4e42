package secret

import (
	"fmt"
	"log/slog"
)

// Secret is a value that does not show itself: whatever formats, logs or encodes it gets masked. Only Reveal gives
// the value, so that its uses can be found by name.
type Secret struct {
	value *string // a pointer, since fmt does not ask a Secret in someone's unexported field how to show itself
}

const masked = "***"

var (
	_ fmt.Formatter  = Secret{}
	_ fmt.Stringer   = Secret{}
	_ slog.LogValuer = Secret{}
)

// Of wraps a value that did not come from the store, as in tests and `unbroken dev`.
func Of(value string) Secret { return Secret{value: &value} }

// Reveal returns the value, for signing a request and for nothing else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String implements fmt.Stringer.
func (s Secret) String() string { return masked }

// Format implements fmt.Formatter: %#v and %x would otherwise look into the struct.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }
