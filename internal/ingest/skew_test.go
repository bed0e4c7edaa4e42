package ingest

import (
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// FAULTS 9: a producer's clock is wrong.
func TestSkew(t *testing.T) {
	t.Parallel()
	at := func(t0 time.Time) string { return event("1", `"time":"`+t0.Format(time.RFC3339Nano)+`"`) }
	tests := map[string]struct {
		input string
		event string
		sent  time.Time
		code  loop.Code
	}{
		"no time":                     {"shop", event("1"), time.Time{}, ""},
		"ten minutes ahead":           {"shop", at(noon.Add(10 * time.Minute)), time.Time{}, ""},
		"an hour ahead":               {"shop", at(noon.Add(time.Hour)), time.Time{}, ""},
		"an hour behind":              {"shop", at(noon.Add(-time.Hour)), time.Time{}, ""},
		"beyond, ahead":               {"shop", at(noon.Add(time.Hour + 1)), time.Time{}, loop.CodeTimeOutOfRange},
		"beyond, behind":              {"shop", at(noon.Add(-time.Hour - 1)), time.Time{}, loop.CodeTimeOutOfRange},
		"a year ahead":                {"shop", at(noon.AddDate(1, 0, 0)), time.Time{}, loop.CodeTimeOutOfRange},
		"twenty centuries behind":     {"shop", event("1", `"time":"0001-01-02T00:00:00Z"`), time.Time{}, loop.CodeTimeOutOfRange},
		"no bound":                    {"any", at(noon.AddDate(-7, 0, 0)), time.Time{}, ""},
		"waited, but was right":       {"shop", at(noon.Add(-3 * time.Hour)), noon.Add(-150 * time.Minute), ""},
		"was wrong before it waited":  {"shop", at(noon.Add(-5 * time.Hour)), noon.Add(-3 * time.Hour), loop.CodeTimeOutOfRange},
		"waited, is right only today": {"shop", at(noon), noon.Add(-3 * time.Hour), loop.CodeTimeOutOfRange},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			a, l := setup(q)
			in := arrivals(t, tt.event)
			in[0].SentAt = tt.sent
			r := a.Accept(t.Context(), tt.input, in)[0]
			if loop.CodeOf(r.Err) != tt.code || (tt.code == "") != (len(q.sent) == 2) {
				t.Errorf("%+v, %d messages", r, len(q.sent))
			}
			if tt.code != "" && l.refused[tt.input+"/time_out_of_range"] != 1 {
				t.Errorf("counted %v", l.refused)
			}
		})
	}
}
