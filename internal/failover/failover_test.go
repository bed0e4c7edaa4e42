package failover

import (
	"reflect"
	"slices"
	"testing"

	"example.com/unbroken/internal/loop"
)

// Every combination of what a region's checks say: "the endpoint, and at least two observers that do not object".
func TestTheLastCheckDecidesAsDesigned(t *testing.T) {
	t.Parallel()
	cfg := &loop.Config{Prefix: "p", Regions: loop.Regions{Loop: []string{"east", "west"}, Witness: "far"}}
	checks := Checks(cfg, "loop.example.com", "west")
	last := checks[len(checks)-1]
	if last.Name != "" || len(last.Children) != 5 {
		t.Fatalf("%+v", last)
	}
	for bits := range 16 {
		healthy, quiet := 0, 0
		endpoint := bits&8 > 0
		var observers []string
		for _, c := range checks[:len(checks)-1] {
			if !slices.Contains(last.Children, c.Name) {
				t.Errorf("%s is not counted", c.Name)
			}
			says := endpoint
			if c.Endpoint == "" {
				says = bits&(1<<len(observers)) > 0
				observers = append(observers, c.Alarm.Region)
				if c.Alarm.Name != "p-observer-objects-west" {
					t.Errorf("%+v", c)
				}
				if says {
					quiet++
				}
			} else if c.Endpoint != "west.loop.example.com" {
				t.Errorf("%+v", c)
			}
			if says {
				healthy++
			}
		}
		if !slices.Equal(observers, []string{"east", "west", "far"}) {
			t.Fatalf("observers %v", observers)
		}
		if got, want := healthy >= last.AtLeast, endpoint && quiet >= 2; got != want {
			t.Errorf("endpoint %v, %d quiet observers: healthy %v", endpoint, quiet, got)
		}
	}
}

func TestEveryRegionHasOneRecordOfThePolicy(t *testing.T) {
	t.Parallel()
	three := 3
	for policy, want := range map[string][]Record{
		"":               {{Region: "east", Latency: true}, {Region: "west", Latency: true}},
		loop.DNSLatency:  {{Region: "east", Latency: true}, {Region: "west", Latency: true}},
		loop.DNSWeighted: {{Region: "east", Weight: new(int)}, {Region: "west", Weight: &three}},
		loop.DNSFailover: {{Region: "east", Role: "SECONDARY"}, {Region: "west", Role: "PRIMARY"}},
	} {
		got := Records(&loop.Config{
			Regions: loop.Regions{Loop: []string{"east", "west"}, Witness: "far"},
			DNS:     loop.DNS{Policy: policy, Weights: map[string]int{"east": 0, "west": 3}, Primary: "west"},
		})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v", policy, got)
		}
	}
}
