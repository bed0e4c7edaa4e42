package rule

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

// Slack and PagerDuty are webhooks of a known form. What opens them is a secret by reference: act puts it in when
// it sends, so that no effect, claim or message holds it.
const (
	slackURL     = "https://hooks.slack.com/"
	pagerDutyURL = "https://events.pagerduty.com/v2/enqueue"
)

// maxSummary is the longest summary that PagerDuty takes.
const maxSummary = 1024

// slack renders an incoming webhook's message. Its URL is the secret; `url` says which host that must be on, which
// is another one for what is compatible. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
func slack(a loop.Action, _ *activation, _ *loop.Effect, _ map[string]string, body string) *loop.Request {
	if _, blocks := a.Body.(map[string]any); !blocks { // decided by who wrote the rule, never by what a signal says
		body = jsonObject("text", body)
	}
	return jsonRequest(a, body, loop.SecretIsURL)
}

// pagerDuty renders an event: a do triggers, and the undo of the same step resolves what it triggered.
// https://developer.pagerduty.com/docs/send-alert-event
func pagerDuty(a loop.Action, _ *activation, effect *loop.Effect, params map[string]string, details string) *loop.Request {
	action, key := "trigger", effect.ID
	if effect.Undoes != "" {
		action, key = "resolve", effect.Undoes
	}
	payload := jsonObject("component", params["component"], "severity", params["severity"], "source", "unbroken",
		"summary", truncated(params["summary"], maxSummary))
	payload = strings.TrimSuffix(payload, "}") + `,"custom_details":` + details + "}"
	body := jsonObject("dedup_key", key, "event_action", action)
	body = strings.TrimSuffix(body, "}") + `,"payload":` + payload + "}"
	return jsonRequest(a, body, "routing_key")
}

func jsonRequest(a loop.Action, body, secretIn string) *loop.Request {
	return &loop.Request{
		Method: defaultMethod, URL: a.URL, Body: body, Secret: a.Secret, SecretIn: secretIn,
		Headers: map[string]string{"content-type": "application/json"},
	}
}

// jsonObject writes text members in the order given.
func jsonObject(members ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(members); i += 2 {
		name, _ := json.Marshal(members[i]) // text always encodes
		value, _ := json.Marshal(members[i+1])
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	return b.String() + "}"
}

func truncated(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit])
}

// preset checks what opens it.
func (c *checker) preset(path string, a loop.Action) {
	switch {
	case a.Secret == "" && a.To == loop.TargetSlack:
		c.fail(path, "add secret: ssm:/path of the parameter that holds the incoming webhook's URL", "secret is required")
	case a.Secret == "":
		c.fail(path, "add secret: ssm:/path of the parameter that holds the integration's routing key", "secret is required")
	case !patterns().secret.MatchString(a.Secret):
		c.fail(path+".secret", "such as ssm:/unbroken/"+a.To, "must name a parameter, never hold the secret itself")
	}
	if pieces, err := split(a.URL); err == nil && (len(pieces) != 1 || pieces[0].isExpr) {
		c.fail(path+".url", "", "must not come from a template")
	} else if err := checkURL(a.URL, c.cfg.EgressAllow); err != nil {
		c.fail(path+".url", "", "%s", err)
	}
}
