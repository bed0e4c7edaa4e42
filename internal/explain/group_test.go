package explain

import "testing"

// A signal of a grouped rule decides nothing at once: what is told is its group, and what that would do.
func TestTheGroupOfASignalIsExplained(t *testing.T) {
	t.Parallel()
	x := explainer(t)
	many := play(t, x, 0, "95").Rules[4]
	if many.Group == nil || many.Group.Value != "shop" || many.Error != "" || len(many.Decisions) != 0 || len(many.Would) != 1 {
		t.Fatalf("%+v", many)
	}
	if o := many.Would[0].Output; o.Key != "page/shop" {
		t.Errorf("it would write %s", o.Key)
	}
	many = play(t, x, 1, "95").Rules[4] // its span has been over for half a minute
	if len(many.Decisions) != 1 || many.Decisions[0].Key != "shop" {
		t.Errorf("%+v", many)
	}
}
