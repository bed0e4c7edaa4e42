package local

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/unbroken/localstack/edge"
)

// switches is an emulator of what starts functions in one region, and of nothing else.
type switches struct {
	mu    sync.Mutex
	on    map[string]bool // mapping/…, schedule/…, rule/…
	write int             // switchings so far
	fail  string          // refuse to switch this one
}

func (s *switches) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, _ := io.ReadAll(r.Body)
	var in struct {
		Enabled     bool
		State, Name string
	}
	_ = json.Unmarshal(text, &in)
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	last := path[len(path)-1]
	state := func(key string) string { return map[bool]string{true: "ENABLED", false: "DISABLED"}[s.on[key]] }
	turn := func(key string, on bool) {
		if key == s.fail {
			http.Error(w, `{"message":"no"}`, http.StatusBadRequest)
			return
		}
		s.write++
		s.on[key] = on
		_, _ = io.WriteString(w, "{}")
	}
	list := func(kind, format string) string {
		var items []string
		for key := range s.on {
			if name, ok := strings.CutPrefix(key, kind); ok {
				items = append(items, fmt.Sprintf(format, name, state(key)))
			}
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	switch target := r.Header.Get("X-Amz-Target"); {
	case target == "AWSEvents.ListEventBuses":
		_, _ = io.WriteString(w, `{"EventBuses":[{"Name":"default"}]}`)
	case target == "AWSEvents.ListRules":
		_, _ = io.WriteString(w, `{"Rules":`+list("rule/", `{"Name":%q,"State":%q}`)+`}`)
	case target == "AWSEvents.DisableRule", target == "AWSEvents.EnableRule":
		turn("rule/"+in.Name, target == "AWSEvents.EnableRule")
	case last == "event-source-mappings":
		text := list("mapping/", `{"UUID":%q,"State":%q}`)
		_, _ = io.WriteString(w, `{"EventSourceMappings":`+strings.NewReplacer("ENABLED", "Enabled", "DISABLED", "Disabled").Replace(text)+`}`)
	case slices.Contains(path, "event-source-mappings"):
		turn("mapping/"+last, in.Enabled)
	case last == "schedules": // asks for the enabled ones only
		var items []string
		for key, on := range s.on {
			if name, ok := strings.CutPrefix(key, "schedule/"); ok && on {
				items = append(items, fmt.Sprintf(`{"Name":%q,"GroupName":"default","State":"ENABLED"}`, name))
			}
		}
		_, _ = io.WriteString(w, `{"Schedules":[`+strings.Join(items, ",")+`]}`)
	case r.Method == http.MethodGet:
		_, _ = fmt.Fprintf(w, `{"Name":%q,"GroupName":"default","State":%q,"ScheduleExpression":"rate(1 minute)","FlexibleTimeWindow":{"Mode":"OFF"},"Target":{"Arn":"a","RoleArn":"r"}}`, last, state("schedule/"+last))
	default:
		turn("schedule/"+last, in.State == "ENABLED")
	}
}

func (s *switches) now() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var on []string
	for key, is := range s.on {
		if is {
			on = append(on, key)
		}
	}
	slices.Sort(on)
	return strings.Join(on, " ")
}

func (s *switches) refuse(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = key
}

const wasOn = "mapping/a mapping/b rule/a schedule/a"

func cuttable(t *testing.T) (*Site, *switches) {
	t.Helper()
	s := &switches{on: map[string]bool{
		"mapping/a": true, "mapping/b": true, "mapping/off": false,
		"rule/a": true, "rule/off": false, "schedule/a": true, "schedule/off": false,
	}}
	emulator := httptest.NewServer(s)
	t.Cleanup(emulator.Close)
	e, err := edge.New(edge.Options{Upstream: emulator.URL})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(e)
	t.Cleanup(front.Close)
	return &Site{Dir: t.TempDir(), EdgeURL: front.URL, EmulatorURL: emulator.URL}, s
}

func TestHealRestoresExactlyWhatCutSwitchedOff(t *testing.T) {
	t.Parallel()
	site, s := cuttable(t)
	for range 2 {
		if err := site.Cut(t.Context(), "us-west-2"); err != nil {
			t.Fatal(err)
		}
	}
	if on := s.now(); on != "" {
		t.Errorf("still on: %s", on)
	}
	if faults, err := site.Edge().Faults(t.Context()); err != nil || len(faults) != 2 {
		t.Errorf("faults: %v %v", faults, err)
	}
	// Another process heals: all it knows is on disk.
	other := *site
	for range 2 {
		if err := other.Heal(t.Context(), "us-west-2"); err != nil {
			t.Fatal(err)
		}
	}
	if on := s.now(); on != wasOn {
		t.Errorf("on after healing: %s", on)
	}
	if faults, err := site.Edge().Faults(t.Context()); err != nil || len(faults) != 0 {
		t.Errorf("faults: %v %v", faults, err)
	}
}

func TestACutThatFailedHalfWayCanBeHealed(t *testing.T) {
	t.Parallel()
	site, s := cuttable(t)
	s.refuse("schedule/a")
	if err := site.Cut(t.Context(), "us-west-2"); err == nil {
		t.Fatal("the cut did not notice")
	}
	s.refuse("")
	if err := site.Heal(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err)
	}
	if on := s.now(); on != wasOn {
		t.Errorf("on after healing: %s", on)
	}
}

func TestAHealThatFailedCanBeRepeated(t *testing.T) {
	t.Parallel()
	site, s := cuttable(t)
	if err := site.Cut(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err)
	}
	s.refuse("mapping/b")
	if err := site.Heal(t.Context(), "us-west-2"); err == nil {
		t.Fatal("the heal did not notice")
	}
	s.refuse("")
	if err := site.Heal(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err)
	}
	if on := s.now(); on != wasOn {
		t.Errorf("on after healing: %s", on)
	}
}

func TestOnlyRegionsAreCut(t *testing.T) {
	t.Parallel()
	site, s := cuttable(t)
	for _, region := range []string{"", "*", "west", "../../etc-1", "us-west-2/x"} {
		if err := site.Cut(t.Context(), region); err == nil {
			t.Errorf("%q was cut", region)
		}
		if err := site.Heal(t.Context(), region); err == nil {
			t.Errorf("%q was healed", region)
		}
	}
	if on := s.now(); on != wasOn {
		t.Errorf("on: %s", on)
	}
	if _, err := os.Stat(site.Dir + "/.local"); err == nil {
		t.Error("something was written down")
	}
}
