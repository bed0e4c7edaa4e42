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
	version   string
	alerts    []json.RawMessage
	truncated int
}

// alert is what its signal is named by. It is the same alert for as long as its labels are the same (fingerprint) and
// it does not end (startsAt): however often it is repeated, and by whichever of several senders, it is one signal.
type alert struct{ status, startsAt, endsAt, fingerprint string }

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
	if err := take(body, field{"version", &n.version}, field{"alerts", &n.alerts}, field{"truncatedAlerts", &n.truncated}); err != nil {
		return nil, false, err
	}
	switch {
	case n.version != version:
		return nil, false, loop.Refuse(loop.CodeInvalidEvent, "version must be %q, not %s", version, quoteName(n.version))
	case n.alerts == nil:
		return nil, false, loop.Refuse(loop.CodeInvalidEvent, "alerts is missing")
	case len(n.alerts) > loop.MaxBatchEvents:
		return nil, false, loop.Refuse(loop.CodeBatchTooLarge, "more than %d alerts at once: set max_alerts, or group them finer", loop.MaxBatchEvents)
	}
	events := make([]parsed, 0, len(n.alerts)+1)
	for _, raw := range n.alerts {
		events = append(events, alertSignal(raw, d.input.Source, family))
	}
	if n.truncated > 0 { // they are nowhere in the body; whoever counts refusals must see that some are missing
		events = append(events, parsed{err: loop.Refuse(loop.CodeBatchTooLarge, "%d alerts were left out by the sender (max_alerts)", n.truncated)})
	}
	return events, true, nil
}

func alertSignal(raw json.RawMessage, source, family string) parsed {
	var a alert
	err := take(raw, field{"status", &a.status}, field{"startsAt", &a.startsAt}, field{"endsAt", &a.endsAt}, field{"fingerprint", &a.fingerprint})
	if err != nil {
		return parsed{raw: raw, err: err}
	}
	at := a.startsAt
	if a.status == resolved {
		at = a.endsAt
	}
	switch {
	case a.status != firing && a.status != resolved:
		err = loop.Refuse(loop.CodeInvalidEvent, "status of an alert must be %s or %s", firing, resolved)
	case a.fingerprint == "" || a.startsAt == "" || at == "":
		err = loop.Refuse(loop.CodeInvalidEvent, "an alert needs fingerprint and startsAt, and endsAt once it is resolved")
	}
	if err != nil {
		return parsed{raw: raw, err: err}
	}
	return notice{
		id:     a.fingerprint + "/" + a.status + "/" + a.startsAt,
		source: source, typ: family + a.status, subject: a.fingerprint, time: at, data: raw,
	}.parsed()
}
