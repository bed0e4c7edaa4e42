package ingest

import (
	"encoding/json"

	"example.com/unbroken/internal/loop"
)

// alertmanager takes the webhook of Prometheus Alertmanager, version 4: one signal an alert.
// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
func alertmanager(d delivery) ([]parsed, bool, error) {
	return alerts(d, "4", "io.prometheus.alert.")
}

// notification is what Alertmanager and Grafana send alike. What else there is stays where it is, in the alerts.
type notification struct {
	Version   string            `json:"version"`
	Alerts    []json.RawMessage `json:"alerts"`
	Truncated int               `json:"truncatedAlerts"`
}

// alert is what its signal is named by. It is the same alert for as long as its labels are the same (fingerprint) and
// it does not end (startsAt): however often it is repeated, and by whichever of several senders, it is one signal.
type alert struct {
	Status      string `json:"status"`
	StartsAt    string `json:"startsAt"`
	EndsAt      string `json:"endsAt"`
	Fingerprint string `json:"fingerprint"`
}

const (
	firing   = "firing"
	resolved = "resolved"
)

func alerts(d delivery, version, family string) ([]parsed, bool, error) {
	body, err := jsonBody(d)
	if err != nil {
		return nil, false, err
	}
	var n notification
	if err := into(body, &n); err != nil {
		return nil, false, err
	}
	switch {
	case n.Version != version:
		return nil, false, loop.Refuse(loop.CodeInvalidEvent, "version must be %q, not %s", version, quoteName(n.Version))
	case n.Alerts == nil:
		return nil, false, loop.Refuse(loop.CodeInvalidEvent, "alerts is missing")
	case len(n.Alerts) > loop.MaxBatchEvents:
		return nil, false, loop.Refuse(loop.CodeBatchTooLarge, "more than %d alerts at once: set max_alerts, or group them finer", loop.MaxBatchEvents)
	}
	events := make([]parsed, 0, len(n.Alerts)+1)
	for _, raw := range n.Alerts {
		events = append(events, alertSignal(raw, d.input.Source, family))
	}
	if n.Truncated > 0 { // they are nowhere in the body; whoever counts refusals must see that some are missing
		events = append(events, parsed{err: loop.Refuse(loop.CodeBatchTooLarge, "%d alerts were left out by the sender (max_alerts)", n.Truncated)})
	}
	return events, true, nil
}

func alertSignal(raw json.RawMessage, source, family string) parsed {
	var a alert
	if err := into(raw, &a); err != nil {
		return parsed{raw: raw, err: err}
	}
	at := a.StartsAt
	if a.Status == resolved {
		at = a.EndsAt
	}
	var err error
	switch {
	case a.Status != firing && a.Status != resolved:
		err = loop.Refuse(loop.CodeInvalidEvent, "status of an alert must be %s or %s", firing, resolved)
	case a.Fingerprint == "" || a.StartsAt == "" || at == "":
		err = loop.Refuse(loop.CodeInvalidEvent, "an alert needs fingerprint and startsAt, and endsAt once it is resolved")
	}
	if err != nil {
		return parsed{raw: raw, err: err}
	}
	return notice{
		id:     a.Fingerprint + "/" + a.Status + "/" + a.StartsAt,
		source: source, typ: family + a.Status, subject: a.Fingerprint, time: at, data: raw,
	}.parsed()
}
