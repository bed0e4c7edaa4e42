package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// doors is an input of every format, as loop.yaml would declare it.
func doors(t testing.TB, q *fakeQueue) (*HTTP, *ledger) {
	t.Helper()
	a, l := setup(q)
	skew := loop.Duration(time.Hour)
	mirrored := loop.Input{Kind: loop.KindHTTP, Durability: loop.Mirrored, Policy: loop.PolicyAll}
	with := func(format, source string, change func(*loop.Input)) loop.Input {
		in := mirrored
		in.Format, in.Source = format, source
		if change != nil {
			change(&in)
		}
		return in
	}
	mapping := loop.Mapping{ID: "body.id", Type: "'com.example.' + body.kind", Subject: "body.host", Time: "body.at", Data: "{'load': body.load}"}
	maps.Copy(a.cfg.Inputs, map[string]loop.Input{
		loop.FormatCloudEvents:  with(loop.FormatCloudEvents, "", func(in *loop.Input) { in.MaxSkew = skew }),
		loop.FormatJSON:         with(loop.FormatJSON, "plant/load", func(in *loop.Input) { in.Map = mapping; in.MaxSkew = skew }),
		loop.FormatAlertmanager: with(loop.FormatAlertmanager, "alertmanager/prod", nil),
		loop.FormatGrafana:      with(loop.FormatGrafana, "grafana/prod", nil),
		loop.FormatGitHub: with(loop.FormatGitHub, "github/example", func(in *loop.Input) {
			in.Auth, in.Credentials = loop.AuthGitHub, []loop.Credential{{Secrets: []string{"ssm:/hub"}}}
		}),
	})
	m, err := rule.CompileMappings(&loop.Config{Inputs: a.cfg.Inputs})
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.Mapper = m
	a.cfg.Secrets = safe{"ssm:/hub": hubSecret}
	return NewHTTP(a), l
}

const hubSecret = "it-is-a-secret-to-everybody"

const anAlert = `{"status":"firing","labels":{"alertname":"HighLoad","service":"checkout"},"annotations":{"summary":"load > 9"},` +
	`"startsAt":"2026-03-04T11:00:00.5Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.com/graph","fingerprint":"c4ca4238a0b92382"}`

func notificationOf(version string, alerts ...string) string {
	return `{"version":"` + version + `","groupKey":"{}:{}","truncatedAlerts":0,"status":"firing","receiver":"loop","groupLabels":{},"commonLabels":{},` +
		`"commonAnnotations":{},"externalURL":"http://am.example.com","alerts":[` + strings.Join(alerts, ",") + `]}`
}

func toGitHub(body string) request {
	mac := hmac.New(sha256.New, []byte(hubSecret))
	mac.Write([]byte(body))
	return post(loop.FormatGitHub, "application/json", body).with("X-Github-Event", "workflow_run").
		with("X-Github-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958").
		with("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

// good is a request that each format takes, with one event.
func good(format, body string) request {
	switch format {
	case loop.FormatCloudEvents:
		return post(format, MediaEvent, body)
	case loop.FormatGitHub:
		return toGitHub(body)
	}
	return post(format, "application/json; charset=utf-8", body)
}

var goodBodies = map[string]string{
	loop.FormatCloudEvents:  event("1"),
	loop.FormatJSON:         `{"id":17,"kind":"load","host":"h1","at":"2026-03-04T11:30:00Z","load":0.93,"note":"x"}`,
	loop.FormatAlertmanager: notificationOf("4", anAlert),
	loop.FormatGrafana:      notificationOf("1", anAlert),
	loop.FormatGitHub:       `{"action":"completed","repository":{"full_name":"example/shop"},"workflow_run":{"conclusion":"failure"}}`,
}

func TestEachFormatMakesItsSignal(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		loop.FormatCloudEvents: `{"specversion":"1.0","type":"com.example.metric","source":"shop/checkout","id":"1"}`,
		loop.FormatJSON: `{"specversion":"1.0","type":"com.example.load","source":"plant/load","id":"17","subject":"h1",` +
			`"time":"2026-03-04T11:30:00Z","data":{"load":0.93}}`,
		loop.FormatAlertmanager: `{"specversion":"1.0","type":"io.prometheus.alert.firing","source":"alertmanager/prod",` +
			`"id":"c4ca4238a0b92382/firing/2026-03-04T11:00:00.5Z","subject":"c4ca4238a0b92382","time":"2026-03-04T11:00:00.5Z","data":` + anAlert + `}`,
		loop.FormatGrafana: `{"specversion":"1.0","type":"com.grafana.alert.firing","source":"grafana/prod",` +
			`"id":"c4ca4238a0b92382/firing/2026-03-04T11:00:00.5Z","subject":"c4ca4238a0b92382","time":"2026-03-04T11:00:00.5Z","data":` + anAlert + `}`,
		loop.FormatGitHub: `{"specversion":"1.0","type":"com.github.workflow_run.completed","source":"github/example",` +
			`"id":"72d3162e-cc78-11e3-81ab-4c9367dc0958","subject":"example/shop","data":` + goodBodies[loop.FormatGitHub] + `}`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			h, _ := doors(t, q)
			r := good(format, goodBodies[format])
			if got := taken(t, r.to(h)); got.Copies != 2 || len(got.Accepted) != 1 || len(got.Rejected) != 0 {
				t.Errorf("%+v", got)
			}
			stored := q.items(t, ohio, loop.QueueSignals)
			if len(stored) != 1 || string(stored[0].Signal) != want {
				t.Errorf("got  %s\nwant %s", stored[0].Signal, want)
			}
		})
	}
}

// The same alert, however often it is repeated, is one signal; its end is another, and so is its next beginning.
func TestAnAlertIsNamedByWhatItIs(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	h, _ := doors(t, q)
	over := strings.NewReplacer(`"firing"`, `"resolved"`, "0001-01-01T00:00:00Z", "2026-03-04T11:59:00Z").Replace(anAlert)
	next := strings.Replace(anAlert, "T11:00:00.5Z", "T11:59:30Z", 1)
	body := notificationOf("4", anAlert, anAlert, over, next)
	got := taken(t, post(loop.FormatAlertmanager, "application/json", body).to(h))
	keys := map[string]bool{}
	for _, a := range got.Accepted {
		keys[a.Key] = true
	}
	if len(got.Accepted) != 4 || len(keys) != 3 {
		t.Errorf("%+v", got)
	}
	for _, item := range q.items(t, ohio, loop.QueueSignals) {
		s, err := ParseEvent(item.Signal)
		if err != nil {
			t.Fatal(err)
		}
		if s.Type == "io.prometheus.alert.resolved" && !s.Time.Equal(time.Date(2026, 3, 4, 11, 59, 0, 0, time.UTC)) {
			t.Errorf("it was over at %s", s.Time)
		}
	}
}

// JSON's names are told by their exact letters, and what the signal is named by is what rules see in its data.
func TestAnAlertIsReadByExactNames(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		strings.TrimSuffix(notificationOf("4", anAlert), "}") + `,"Alerts":[],"VERSION":"9","TruncatedAlerts":7}`,
		notificationOf("4", strings.TrimSuffix(anAlert, "}")+`,"Status":"resolved","FINGERPRINT":"of another","startsat":"2026-01-01T00:00:00Z"}`),
	} {
		q := &fakeQueue{}
		h, _ := doors(t, q)
		got := taken(t, post(loop.FormatAlertmanager, "application/json", body).to(h))
		if len(got.Accepted) != 1 || len(got.Rejected) != 0 || got.Accepted[0].ID != "c4ca4238a0b92382/firing/2026-03-04T11:00:00.5Z" {
			t.Errorf("%.400s: %+v", body, got)
		}
	}
}

// What the sender left out, and a bad alert among good ones, are said and counted, and cost the others nothing.
func TestAlertsThatAreMissingAreCounted(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	h, l := doors(t, q)
	body := strings.Replace(notificationOf("4", anAlert, `{"status":"firing"}`, `7`, strings.Replace(anAlert, "firing", "pending", 1)), `"truncatedAlerts":0`, `"truncatedAlerts":3`, 1)
	got := taken(t, post(loop.FormatAlertmanager, "application/json", body).to(h))
	if len(got.Accepted) != 1 || len(got.Rejected) != 4 || got.Rejected[3].Code != loop.CodeBatchTooLarge {
		t.Errorf("%+v", got)
	}
	if l.refused["alertmanager/invalid_event"] != 3 || l.refused["alertmanager/batch_too_large"] != 1 {
		t.Errorf("counted %v", l.refused)
	}
}

// bad is FAULTS' list of input that must be refused, for one format.
func bad(t *testing.T, format string) map[string]request {
	body := goodBodies[format]
	inside := func(member string) string { return strings.TrimSuffix(body, "}") + "," + member + "}" }
	all := map[string]request{
		"empty":                     good(format, ""),
		"blank":                     good(format, " \n"),
		"truncated":                 good(format, body[:len(body)-1]),
		"malformed":                 good(format, "{]"),
		"not an object":             good(format, "7"),
		"null":                      good(format, "null"),
		"data behind the end":       good(format, body+"x"),
		"a byte order mark":         good(format, "\xef\xbb\xbf"+body),
		"nested too deep":           good(format, inside(`"data":`+nested(100_000))),
		"a million brackets":        good(format, strings.Repeat("[", 1_000_000)),
		"a duplicate key":           good(format, inside(`"data":1,"data":2`)),
		"a duplicate key, escaped":  good(format, inside(`"d\u0061ta":1,"data":2`)),
		"NaN":                       good(format, inside(`"data":NaN`)),
		"Infinity":                  good(format, inside(`"data":-Infinity`)),
		"beyond float64":            good(format, inside(`"data":1e400`)),
		"invalid UTF-8":             good(format, inside("\"data\":\"\xff\"")),
		"half a surrogate":          good(format, inside(`"data":"\ud800"`)),
		"a control character":       good(format, inside("\"data\":\"\x01\"")),
		"more than a body may have": good(format, inside(`"data":"`+strings.Repeat("x", loop.MaxBodyBytes)+`"`)),
		"a gzip bomb":               zipped(t, good(format, strings.Repeat(" ", 4<<20))),
		"half a gzip":               cut(zipped(t, good(format, body))),
		"gzip that is none":         good(format, body).with("Content-Encoding", "gzip"),
		"brotli":                    good(format, body).with("Content-Encoding", "br"),
		"CR in a header":            good(format, body).with("X-Trace", "a\rb"),
		"LF in a header":            good(format, body).with("X-Trace", "a\nset-cookie: x"),
		"another media type":        retyped(good(format, body), "text/plain"),
		"no media type":             retyped(good(format, body), ""),
		"a form":                    retyped(good(format, body), "application/x-www-form-urlencoded"),
	}
	if format == loop.FormatGitHub { // what is signed is the body as it travels
		for _, name := range []string{"a gzip bomb", "half a gzip"} {
			all[name] = toGitHub(all[name].body).with("Content-Encoding", "gzip")
		}
	}
	if format != loop.FormatCloudEvents {
		all["more than a signal may have"] = good(format, inside(`"data":"`+strings.Repeat("x", loop.MaxSignalBytes)+`"`))
	}
	switch format {
	case loop.FormatJSON:
		delete(all, "more than a signal may have") // it maps what it needs, and leaves the rest
		replaced := func(from, to string) request { return good(format, strings.Replace(body, from, to, 1)) }
		maps.Copy(all, map[string]request{
			"no id":             replaced(`"id":17,`, ``),
			"an empty id":       replaced(`17`, `""`),
			"an id of objects":  replaced(`17`, `{}`),
			"an id not exact":   replaced(`17`, `12345678901234567890`),
			"a line in an id":   replaced(`17`, `"a\nb"`),
			"a time that is no": replaced(`2026-03-04T11:30:00Z`, `noon`),
			"a year ahead":      replaced(`2026-03-04`, `2027-03-04`),
			"data too large":    replaced(`0.93`, `"`+strings.Repeat("x", loop.MaxSignalBytes)+`"`),
		})
	case loop.FormatAlertmanager, loop.FormatGrafana:
		delete(all, "more than a signal may have") // alerts are signals one by one
		many := notificationOf(map[string]string{loop.FormatAlertmanager: "4", loop.FormatGrafana: "1"}[format], strings.Repeat(`{},`, loop.MaxBatchEvents)+"{}")
		maps.Copy(all, map[string]request{
			"another version":    good(format, strings.Replace(body, `"version":"`, `"version":"0`, 1)),
			"no alerts":          good(format, strings.Replace(body, `"alerts"`, `"alert"`, 1)),
			"alerts no list":     good(format, strings.Replace(body, `"alerts":[`, `"alerts":7,"x":[`, 1)),
			"too many":           good(format, many),
			"no fingerprint":     good(format, strings.Replace(body, "fingerprint", "fingerprints", 1)),
			"an unknown status":  good(format, strings.ReplaceAll(body, "firing", "pending")),
			"a time that is no":  good(format, strings.Replace(body, "2026-03-04T11:00:00.5Z", "now", 1)),
			"an alert too large": good(format, strings.Replace(body, "load > 9", strings.Repeat("x", loop.MaxSignalBytes), 1)),
		})
	case loop.FormatGitHub:
		maps.Copy(all, map[string]request{
			"no event":          good(format, body).with("X-Github-Event"),
			"no delivery":       good(format, body).with("X-Github-Delivery"),
			"a repository of 7": good(format, strings.Replace(body, `{"full_name":"example/shop"}`, `7`, 1)),
		})
	}
	return all
}

func retyped(r request, contentType string) request { r.contentType = contentType; return r }

// TestEachFormatRefusesWhatItMust is the conformance table of all formats: whatever is wrong is a typed problem of the
// 4xx kind that says something, is counted, and stores nothing.
func TestEachFormatRefusesWhatItMust(t *testing.T) {
	t.Parallel()
	for format := range goodBodies {
		for name, r := range bad(t, format) {
			t.Run(format+"/"+name, func(t *testing.T) {
				t.Parallel()
				q := &fakeQueue{}
				h, l := doors(t, q)
				w := r.to(h)
				var p Problem
				if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code < 400 || w.Code > 499 || w.Code != p.Status {
					t.Fatalf("%d: %.300s", w.Code, w.Body)
				}
				if _, typed := titles[p.Code]; !typed || p.Detail == "" || w.Header().Get("Content-Type") != MediaProblem {
					t.Errorf("%.300s", w.Body)
				}
				if len(q.sent) > 0 {
					t.Error("refused and stored")
				}
				if l.refused[format+"/"+string(p.Code)]+refusedEvents(p, format, l) == 0 {
					t.Errorf("not counted: %v", l.refused)
				}
			})
		}
	}
}

// refusedEvents counts those that a batch answers for one by one.
func refusedEvents(p Problem, format string, l *ledger) (n int) {
	for _, r := range p.Rejected {
		n += l.refused[format+"/"+string(r.Code)]
	}
	return n
}

// The exact limits: one byte less is taken.
func TestLimitsAreExact(t *testing.T) {
	t.Parallel()
	for n, status := range map[int]int{loop.MaxSignalBytes: http.StatusAccepted, loop.MaxSignalBytes + 1: http.StatusRequestEntityTooLarge} {
		h, _ := doors(t, &fakeQueue{})
		if w := post(loop.FormatCloudEvents, MediaEvent, sized(t, "1", n)).to(h); w.Code != status {
			t.Errorf("%d bytes: %d", n, w.Code)
		}
	}
	for n, status := range map[int]int{loop.MaxBodyBytes: http.StatusAccepted, loop.MaxBodyBytes + 1: http.StatusRequestEntityTooLarge} {
		h, _ := doors(t, &fakeQueue{})
		body := goodBodies[loop.FormatJSON]
		body += strings.Repeat(" ", n-len(body))
		if w := post(loop.FormatJSON, "application/json", body).to(h); w.Code != status {
			t.Errorf("%d bytes: %d %s", n, w.Code, w.Body)
		}
	}
}

// Whatever comes in by any format, the answer is typed, and what is stored is a signal.
func FuzzFormats(f *testing.F) {
	for _, body := range goodBodies {
		f.Add(body, "application/json", "workflow_run")
	}
	f.Add(notificationOf("4", anAlert, `{"status":"resolved"}`), "application/json", "")
	f.Add(`{"id":1e999,"kind":{}}`, "application/json;charset=utf-8", "\x00")
	f.Fuzz(func(t *testing.T, body, contentType, event string) {
		for format := range goodBodies {
			q := &fakeQueue{}
			h, _ := doors(t, q)
			r := retyped(good(format, body), contentType)
			if format == loop.FormatGitHub {
				r = r.with("X-Github-Event", event)
			}
			w := r.to(h)
			if w.Code != http.StatusAccepted && (w.Code < 400 || w.Code > 499) {
				t.Fatalf("%s: %d: %.300s", format, w.Code, w.Body)
			}
			if len(q.ids(t, ohio)) != len(q.ids(t, oregon)) { // ids reads each as an event
				t.Fatal("the copies differ")
			}
		}
	})
}

// safe is a store of secrets; what it does not have does not exist.
type safe map[string]string

var errSafe = fmt.Errorf("the store does not answer")
