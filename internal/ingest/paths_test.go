package ingest

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// strange are members of JSON objects about which readers disagree, or that a queue or a number would spoil.
var strange = map[string]string{
	"a duplicate key":          `"x":1,"x":2`,
	"a duplicate key, escaped": `"x":1,"\u0078":2`,
	"a duplicate key, inside":  `"x":[{"y":1,"y":2}]`,
	"NaN":                      `"x":NaN`,
	"Infinity":                 `"x":-Infinity`,
	"beyond float64":           `"x":-1e400`,
	"half a surrogate":         `"x":"\ud800"`,
	"a control character":      "\"x\":\"\x01\"",
	"invalid UTF-8":            "\"x\":\"\xff\"",
	"nested too deep":          `"x":` + nested(70),
	"a word":                   `"x":undefined`,
	"a comma too many":         `"x":1,`,
	"cut off":                  `"x":[1`,
}

// The policy of JSON is one: by whichever way a document comes in, what is strange about it is refused as malformed, and
// nothing of it is stored.
func TestStrangeJSONIsRefusedOnEveryPath(t *testing.T) {
	t.Parallel()
	event := func(member string) string { return strings.TrimSuffix(event("1"), "}") + `,"data":{` + member + `}}` }
	overHTTP := func(r request) func(*testing.T, *fakeQueue) loop.Code {
		return func(t *testing.T, q *fakeQueue) loop.Code {
			h, _ := doors(t, q)
			w := r.to(h)
			if w.Code < 400 || w.Code > 499 {
				t.Errorf("%d: %.200s", w.Code, w.Body)
			}
			if !strings.Contains(w.Body.String(), `"code":"malformed"`) {
				return ""
			}
			return loop.CodeMalformed
		}
	}
	quarantined := func(t *testing.T, q *fakeQueue) loop.Code {
		t.Helper()
		records := q.records(t)
		if len(records) != 1 {
			t.Fatalf("%+v", records)
		}
		return records[0].Quarantine.Reason
	}
	alarm := func(body string) func(*testing.T, *fakeQueue) loop.Code {
		return func(t *testing.T, q *fakeQueue) loop.Code {
			if err := alarmsOf(t, q).Handle(t.Context(), []byte(body)); err != nil {
				t.Error(err)
			}
			return quarantined(t, q)
		}
	}
	inbox := func(body string) func(*testing.T, *fakeQueue) loop.Code {
		return func(t *testing.T, q *fakeQueue) loop.Code {
			if failed := inboxOf(t, q).Handle(t.Context(), messagesOf(body)); len(failed) > 0 {
				t.Errorf("%v come again", failed)
			}
			return quarantined(t, q)
		}
	}
	for name, member := range strange {
		inAlert := notificationOf("4", strings.TrimSuffix(anAlert, "}")+","+member+"}")
		binary := post(loop.FormatCloudEvents, "application/json", "{"+member+"}").with("Ce-Specversion", "1.0").with("Ce-Id", "1").with("Ce-Source", "s").with("Ce-Type", "t")
		for path, refuse := range map[string]func(*testing.T, *fakeQueue) loop.Code{
			"structured":             overHTTP(post(loop.FormatCloudEvents, MediaEvent, event(member))),
			"structured, gzip":       overHTTP(zipped(t, post(loop.FormatCloudEvents, MediaEvent, event(member)))),
			"batched":                overHTTP(post(loop.FormatCloudEvents, MediaBatch, batchOf(event(member)))),
			"binary":                 overHTTP(binary),
			"json":                   overHTTP(good(loop.FormatJSON, "{"+member+"}")),
			"alertmanager":           overHTTP(good(loop.FormatAlertmanager, inAlert)),
			"grafana":                overHTTP(good(loop.FormatGrafana, strings.Replace(inAlert, `"4"`, `"1"`, 1))),
			"github":                 overHTTP(toGitHub("{" + member + "}")),
			"the inbox":              inbox(event(member)),
			"the inbox, a batch":     inbox(batchOf(event(member))),
			"the inbox, by a bus":    inbox(onBus(event(member))),
			"the inbox, of the bus":  inbox(onBus("{" + member + "}")),
			"the inbox, of an alarm": inbox(strings.Replace(alarmOnBus, `"metrics":[]`, member, 1)),
			"the inbox, by a topic":  inbox(onTopic(event(member))),
			"an alarm by a bus":      alarm(strings.Replace(alarmOnBus, `"metrics":[]`, member, 1)),
			"an alarm by a topic":    alarm(recordsOf(strings.Replace(alarmOnTopic, `{}`, "{"+member+"}", 1))),
			"an endpoint": func(t *testing.T, q *fakeQueue) loop.Code {
				p := pagePlant(t)
				p.queue, p.says = q, `{"service":"cart","since":"2026-03-04T11:00:00Z",`+member+`}`
				return loop.CodeOf(p.poller(ohio).Run(t.Context()))
			},
		} {
			if name == "invalid UTF-8" && strings.HasSuffix(path, "topic") {
				continue // what a topic wraps is text
			}
			t.Run(name+"/"+path, func(t *testing.T) {
				t.Parallel()
				q := &fakeQueue{}
				if code := refuse(t, q); code != loop.CodeMalformed {
					t.Errorf("got %q", code)
				}
				if items := q.items(t, ohio, loop.QueueSignals); len(items) > 0 {
					t.Errorf("stored %s", items[0].Signal)
				}
			})
		}
	}
}
