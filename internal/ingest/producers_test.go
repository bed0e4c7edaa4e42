package ingest

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
)

const loopURL = "https://loop.example.com"

// pages are docs/producers.md's blocks of a kind, and the inputs that docs/inputs.md declares.
func pages(t *testing.T, kind string) (blocks []string, cfg *loop.Config) {
	t.Helper()
	read := func(page, kind string) (found []string) {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
		if len(found) == 0 {
			t.Fatalf("%s has no block of %s", page, kind)
		}
		return found
	}
	cfg, err := rule.ParseWith("docs/inputs.md", []byte(read("inputs.md", "yaml")[0]), schema.Check)
	if err != nil {
		t.Fatal(err)
	}
	return read("producers.md", kind), cfg
}

// The commands are run as they stand, by a real shell and a real curl, against the real handler.
func TestTheCommandsOfTheProducersPageSend(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "openssl", "base64", "od"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	blocks, cfg := pages(t, "bash")
	for _, script := range blocks {
		a, q := exampleAcceptor(t, cfg)
		a.cfg.Now = time.Now // the shell signs by the clock
		for name, in := range a.cfg.Inputs {
			in.MaxSkew = 0 // and the examples are dated
			a.cfg.Inputs[name] = in
		}
		server := httptest.NewServer(NewHTTP(a))
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.ReplaceAll(script, loopURL, server.URL))
		cmd.Env = append(os.Environ(), "KEY="+whsec, "SECRET="+whsec, "no_proxy=127.0.0.1", "NO_PROXY=127.0.0.1")
		out, err := cmd.CombinedOutput()
		server.Close()
		if items := q.items(t, ohio, loop.QueueSignals); err != nil || len(items) != 1 {
			t.Errorf("%s\n%v: %s: %d signals", script, err, out, len(items))
		}
	}
}

// alertmanagerFile is what the page says of Alertmanager's configuration, with its names; anything else is refused.
// https://prometheus.io/docs/alerting/latest/configuration/
type alertmanagerFile struct {
	Route struct {
		Receiver       string        `yaml:"receiver"`
		GroupBy        []string      `yaml:"group_by"`
		GroupWait      loop.Duration `yaml:"group_wait"`
		GroupInterval  loop.Duration `yaml:"group_interval"`
		RepeatInterval loop.Duration `yaml:"repeat_interval"`
	} `yaml:"route"`
	Receivers []struct {
		Name     string `yaml:"name"`
		Webhooks []struct {
			URL          string `yaml:"url"`
			SendResolved bool   `yaml:"send_resolved"`
			MaxAlerts    int    `yaml:"max_alerts"`
			HTTP         struct {
				Authorization struct {
					Type string `yaml:"type"`
					File string `yaml:"credentials_file"`
				} `yaml:"authorization"`
			} `yaml:"http_config"`
		} `yaml:"webhook_configs"`
	} `yaml:"receivers"`
}

// https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
type prometheusFile struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         loop.Duration     `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// The alert of the page's rule goes by the page's Alertmanager to the input that takes it, and the page's rule matches it.
func TestAnAlertGoesFromPrometheusToARule(t *testing.T) {
	t.Parallel()
	blocks, cfg := pages(t, "alertmanager")
	var am alertmanagerFile
	if err := yaml.UnmarshalWithOptions([]byte(blocks[0]), &am, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	checkedBy(t, "amtool", blocks[0], "check-config")
	rules, _ := pages(t, "prometheus")
	var prom prometheusFile
	if err := yaml.UnmarshalWithOptions([]byte(rules[0]), &prom, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	checkedBy(t, "promtool", rules[0], "check", "rules")
	receiver := am.Receivers[0]
	hook := receiver.Webhooks[0]
	input, ok := strings.CutPrefix(hook.URL, loopURL+pathSignals)
	in := cfg.Inputs[input]
	if !ok || am.Route.Receiver != receiver.Name || in.Format != loop.FormatAlertmanager || in.Auth != loop.AuthBearer || hook.HTTP.Authorization.Type != "Bearer" ||
		!hook.SendResolved || hook.MaxAlerts != 0 {
		t.Fatalf("%+v does not fit %s %+v", am, input, in)
	}

	alert := prom.Groups[0].Rules[0]
	labels := map[string]string{"alertname": alert.Alert}
	for name, value := range alert.Labels {
		labels[name] = value
	}
	body, err := json.Marshal(map[string]any{"version": "4", "status": "firing", "alerts": []any{map[string]any{
		"status": "firing", "labels": labels, "startsAt": "2026-03-04T11:00:00Z", "fingerprint": "c4ca4238a0b92382",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	a, q := exampleAcceptor(t, cfg)
	taken(t, post(input, "application/json", string(body)).with("Authorization", "Bearer "+whsec).to(NewHTTP(a)))

	written, _ := pages(t, "loop")
	ours, err := rule.Parse("docs/producers.md", []byte("inputs: {alerts: {kind: queue}}\nactions: {shed: {to: output, output: shed, value: '{{ with.level }}'}}\n"+written[0]))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Compile(ours)
	if err != nil {
		t.Fatal(err)
	}
	signal, err := ParseEvent(q.items(t, ohio, loop.QueueSignals)[0].Signal)
	if err != nil {
		t.Fatal(err)
	}
	if candidates := set.Candidates(signal.Type); len(candidates) != 1 {
		t.Errorf("no rule of the page is about %s", signal.Type)
	}
}

// checkedBy has the real program check a file, where it is installed.
func checkedBy(t *testing.T, program, text string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Logf("%s is not installed", program)
		return
	}
	file := t.TempDir() + "/file.yml"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), path, append(args, file)...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", program, err, out)
	}
}

// What SNS and EventBridge bring by the page's subscription and rule is taken by the inbox that docs/inputs.md declares.
func TestWhatTopicsAndRulesBringIsTaken(t *testing.T) {
	t.Parallel()
	published, cfg := pages(t, "sns")
	patterns, _ := pages(t, "pattern")
	commands, _ := pages(t, "text")
	for _, arn := range regexp.MustCompile(`arn:aws:sqs:\S+`).FindAllString(strings.Join(commands, ""), -1) {
		if !strings.HasSuffix(arn, ":"+loop.Name(cfg.Prefix, loop.QueueInbox)) {
			t.Errorf("%s is not the inbox", arn)
		}
	}
	var pattern struct {
		Source     []string            `json:"source"`
		DetailType []string            `json:"detail-type"`
		Detail     map[string][]string `json:"detail"`
	}
	if err := json.Unmarshal([]byte(patterns[0]), &pattern); err != nil {
		t.Fatal(err)
	}
	onBus, err := json.Marshal(map[string]any{
		"version": "0", "id": "7bf73129", "source": pattern.Source[0], "detail-type": pattern.DetailType[0], "time": noon,
		"resources": []string{}, "detail": map[string]string{"state": pattern.Detail["state"][0]},
	})
	if err != nil {
		t.Fatal(err)
	}
	// An invocation record: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
	const failedFunction = `{"version":"0","id":"8bf73129","source":"lambda","detail-type":"Lambda Function Invocation Result - Failure","account":"123456789012",` +
		`"time":"2026-03-04T11:59:00Z","region":"us-east-2","resources":["arn:aws:events:us-east-2:123456789012:event-bus/default","arn:aws:lambda:us-east-2:123456789012:function:pay:$LATEST"],` +
		`"detail":{"version":"1.0","timestamp":"2026-03-04T11:58:59.000Z","requestContext":{"functionArn":"arn:aws:lambda:us-east-2:123456789012:function:pay:$LATEST","condition":"RetriesExhausted"},"requestPayload":{},"responseContext":{"statusCode":200,"functionError":"Unhandled"},"responsePayload":{"errorMessage":"x"}}}`
	in := cfg.Inputs["inbox"]
	in.Sources = append(slices.Clone(in.Sources), "lambda") // as the page says
	cfg.Inputs["inbox"] = in
	for name, body := range map[string]string{"raw": published[0], "wrapped": onTopic(strings.TrimSpace(published[0])), "by the bus": string(onBus), "a function that fails": failedFunction} {
		if q := exampleMessage(t, cfg, body); len(q.items(t, ohio, loop.QueueSignals)) != 1 || len(q.records(t)) > 0 {
			t.Errorf("%s: %s is not taken", name, body)
		}
	}
}

// placeholder is a path that a pipe replaces by what stands there in the record, text without its quotes.
var placeholder = regexp.MustCompile(`<\$\.([A-Za-z.]+)>`)

// A record of a table's stream becomes, by the page's template, what the inbox takes.
func TestARecordOfAStreamIsTaken(t *testing.T) {
	t.Parallel()
	templates, cfg := pages(t, "pipe")
	// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
	var record map[string]any
	if err := json.Unmarshal([]byte(`{"eventID":"c4ca4238a0b923820dcc509a6f75849b","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-2",
		"dynamodb":{"ApproximateCreationDateTime":1772625600,"Keys":{"order":{"S":"o-17"}},"NewImage":{"order":{"S":"o-17"},"total":{"N":"99.5"}},
		"SequenceNumber":"4421584500000000017450439091","SizeBytes":26,"StreamViewType":"NEW_IMAGE"}}`), &record); err != nil {
		t.Fatal(err)
	}
	body := placeholder.ReplaceAllStringFunc(templates[0], func(m string) string {
		var at any = record
		for name := range strings.SplitSeq(placeholder.FindStringSubmatch(m)[1], ".") {
			inner, ok := at.(map[string]any)
			if !ok || inner[name] == nil {
				t.Fatalf("nothing stands at %s", m)
			}
			at = inner[name]
		}
		if text, ok := at.(string); ok {
			return text
		}
		raw, err := json.Marshal(at)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	})
	q := exampleMessage(t, cfg, body)
	items := q.items(t, ohio, loop.QueueSignals)
	if len(items) != 1 || len(q.records(t)) > 0 {
		t.Fatalf("%s is not taken: %+v", body, q.records(t))
	}
	signal, err := ParseEvent(items[0].Signal)
	if err != nil || signal.Subject != "o-17" || signal.Extensions["change"] != "MODIFY" || !strings.Contains(string(signal.Data), `"NewImage":{"order":{"S":"o-17"},"total":{"N":"99.5"}}`) {
		t.Errorf("%+v, %v", signal, err)
	}
}
