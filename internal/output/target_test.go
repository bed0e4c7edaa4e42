package output

import (
	"testing"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

func TestAnOutputNeedsNoDelivery(t *testing.T) {
	t.Parallel()
	if got := (Target{}).Deliver(t.Context(), loop.Effect{}); got.Verdict != act.Delivered {
		t.Errorf("verdict %v, want Delivered", got.Verdict)
	}
}
