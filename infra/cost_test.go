package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

var updateCost = flag.Bool("update", false, "write docs/cost.md anew")

const hours = 730 // of a month, as AWS counts

// What cannot be counted here, and is assumed.
const (
	checkersAPlace = 2   // of Route 53: about 16 in eight places
	pollers        = 5   // of one event source mapping, idle
	pollSeconds    = 20  // that one receive waits
	healthMs       = 15  // of a health check's invocation
	scheduledMs    = 400 // of a scheduled run
	canaryMs       = 60  // of ingest, decide or act, for a canary
	logOverhead    = 26  // bytes that CloudWatch Logs counts for each event
)

// accessLine is what the API writes of a health check. Lambda writes nothing of what went well.
func accessLine() string {
	return strings.NewReplacer("$context.requestId", "JKJaXmPLvHcESHA=", "$context.requestTime", "10/Mar/2026:06:00:10 +0000",
		"$context.identity.sourceIp", "15.177.100.100", "$context.identity.userArn", "-", "$context.routeKey", routeHealth, "$context.status", "200",
		"$context.responseLatency", "15", "$context.responseLength", "15", "$context.integrationErrorMessage", "-").Replace(accessLogFormat)
}

// line is one line of the bill.
type line struct {
	what  string
	count float64
	unit  string
	price float64 // for per units
	per   float64
	free  float64 // units of every account in every month, for good
}

func (l line) list() float64 { return l.count / l.per * l.price }
func (l line) net() float64  { return max(0, l.count-l.free) / l.per * l.price }

// bill counts the resources of a deployment's templates, and what its parts call in an hour without signals.
func bill(t *testing.T, of assembly, cfg *loop.Config, c calls) []line {
	t.Helper()
	n := map[string]float64{}
	var zones, options, requests, runs, waits float64
	loopRegions := float64(len(cfg.Regions.Loop))
	for _, stack := range of.stacks {
		for _, r := range stack.Resources {
			n[r.Type]++
			switch r.Type {
			case "AWS::Route53::HealthCheck":
				config, _ := get(r.Properties, "HealthCheckConfig").(map[string]any)
				if config["Type"] != "HTTPS" {
					continue
				}
				options++ // HTTPS
				interval, _ := config["RequestInterval"].(float64)
				if interval == 10 {
					options++ // and fast
				}
				requests += float64(len(list(config["Regions"]))*checkersAPlace) / interval * 3600 * hours
			case "AWS::ApiGatewayV2::DomainName":
				zones = 1
			case "AWS::Scheduler::Schedule":
				every := 60.0
				if r.Properties["ScheduleExpression"] == "rate(1 hour)" {
					every = 1
				}
				if text(r.Properties["Name"]) == "ub-"+loop.FuncCanary { // it waits for its second half
					waits += every * hours
				}
				runs += every * hours
			}
		}
	}
	requests += c.Probed * hours
	landed := c.Landed * hours
	chain := 3 * landed // ingest, decide and act, for each canary
	replicas := loopRegions
	looks := requests // at most: within a second the answer is remembered
	waiting := waits * (float64(loop.CanaryEvery.Milliseconds()) + scheduledMs) * memory(loop.FuncCanary)
	gbSeconds := (requests*healthMs*256 + (runs-waits)*scheduledMs*256 + waiting + landed*canaryMs*(256+512+512)) / 1000 / 1024
	kept := c.Claims * 24 * 21 // write units of canaries' claims that stand at any time; a pass reads eventually: a unit for eight
	traces := 0.0
	of.each("AWS::Lambda::Function", func(_, _ string, r resource) {
		if get(r.Properties, "TracingConfig", "Mode") == "Active" {
			traces = chain // every invocation of theirs is the first in its second
		}
	})
	freeBoards := 3.0 // of up to 50 metrics
	of.each("AWS::CloudWatch::Dashboard", func(_, _ string, r resource) {
		if shown(t, r) > 50 {
			freeBoards = 0
		}
	})
	return []line{
		{"Route 53 health checks", n["AWS::Route53::HealthCheck"], "checks", 0.50, 1, 50},
		{"their options: HTTPS, fast interval", options, "options", 1.00, 1, 0},
		{"hosted zone", zones, "zone", 0.50, 1, 0},
		{"API Gateway: health checks, observers, canaries", requests + c.Posted*hours, "requests", 1.00, 1e6, 0},
		{"Lambda: requests", requests + runs + chain, "requests", 0.20, 1e6, 1e6},
		{"Lambda: duration", gbSeconds, "GB-s", 0.0000133334, 1, 400_000},
		{"EventBridge Scheduler", runs, "runs", 1.00, 1e6, 14e6},
		{"SQS: Lambda's pollers on idle queues", n["AWS::Lambda::EventSourceMapping"] * pollers * 3600 / pollSeconds * hours, "requests", 0.40, 1e6, 1e6},
		{"SQS: canaries, observers, salvage", c.SQS * hours, "requests", 0.40, 1e6, 0},
		{"SQS: the same with a fair-queue group, more", c.Grouped * hours, "requests", 0.10, 1e6, 0},
		{"DynamoDB: writes, in every replica", (c.Writes + c.Claims) * replicas * hours, "units", 0.625, 1e6, 0}, // each claim is deleted once
		{"DynamoDB: reads of runs", c.Reads * hours, "units", 0.125, 1e6, 0},
		{"DynamoDB: reads of /v1/health, at most", looks * c.Look, "units", 0.125, 1e6, 0},
		{"DynamoDB: a day's pass over canaries' claims", kept / 4 / 2 * loopRegions * hours / 24, "units", 0.125, 1e6, 0},
		{"CloudWatch: alarms", n["AWS::CloudWatch::Alarm"], "alarms", 0.10, 1, 10},
		{"CloudWatch: custom metrics", float64(c.Custom), "metrics", 0.30, 1, 10},
		{"CloudWatch: GetMetricData", c.Metrics * hours, "metrics", 0.01, 1000, 0},
		{"CloudWatch: PutMetricData", c.Puts * hours, "requests", 0.01, 1000, 1e6},
		{"CloudWatch: dashboards", n["AWS::CloudWatch::Dashboard"], "dashboards", 3.00, 1, freeBoards},
		{"CloudWatch: logs of these requests", (requests + c.Posted*hours) * float64(len(accessLine())+logOverhead) / 1e9, "GB", 0.50, 1, 5},
		{"X-Ray: traces of canaries", traces, "traces", 5.00, 1e6, 100_000},
		{"KMS: keys of the alarms' topics", n["AWS::KMS::Key"], "keys", 1.00, 1, 0},
	}
}

// shown is how many metrics a dashboard shows, whichever statistics of each.
func shown(t *testing.T, board resource) int {
	t.Helper()
	var body struct {
		Widgets []struct{ Properties struct{ Metrics [][]any } }
	}
	if err := json.Unmarshal([]byte(text(board.Properties["DashboardBody"])), &body); err != nil {
		t.Fatal(err)
	}
	metrics := map[string]bool{}
	for _, w := range body.Widgets {
		for _, m := range w.Properties.Metrics {
			metrics[fmt.Sprint(m[:len(m)-1])] = true // the last are options
		}
	}
	return len(metrics)
}

func amount(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f M", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.0f k", n/1e3)
	case n == float64(int(n)):
		return fmt.Sprintf("%.0f", n)
	default:
		return fmt.Sprintf("%.1f", n)
	}
}

const (
	costTable = "<!-- counted: go test ./infra -run Cost -update -->\n"
	costEnd   = "<!-- end -->\n"
)

// docs/cost.md tells what a deployment costs when nobody uses it, as it is by default and with a domain; the table in it is
// made here, so that another alarm, metric or call changes it.
func TestTheCostOfNothingIsWhatTheDocumentSays(t *testing.T) {
	const path = "../docs/cost.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), costTable)
	_, after, ok2 := strings.Cut(rest, costEnd)
	if !ok || !ok2 {
		t.Fatal("the document has no place for the table")
	}
	cfg, err := rule.Parse("loop.yaml", []byte("inputs: {default: {kind: http}, inbox: {kind: queue}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	c := idleHour(t, cfg)
	plain, named := bill(t, made.unnamed, cfg, c), bill(t, made.pair, cfg, c)
	var b strings.Builder
	b.WriteString("| what, and its price | in a month, by default | by list price | beyond what is free | with a domain | by list price | beyond what is free |\n|---|---:|---:|---:|---:|---:|---:|\n")
	var sum [4]float64
	for i, p := range plain {
		n := named[i]
		per := amount(p.per) + " "
		if p.per == 1 {
			per = ""
		}
		price := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.10f", p.price), "0"), ".")
		fmt.Fprintf(&b, "| %s, $%s per %s%s | %s | $%.2f | $%.2f | %s | $%.2f | $%.2f |\n", p.what, price, per, p.unit, amount(p.count), p.list(), p.net(), amount(n.count), n.list(), n.net())
		for j, dollars := range []float64{p.list(), p.net(), n.list(), n.net()} {
			sum[j] += dollars
		}
	}
	fmt.Fprintf(&b, "| **together** | | **$%.2f** | **$%.2f** | | **$%.2f** | **$%.2f** |\n", sum[0], sum[1], sum[2], sum[3])
	want := before + costTable + b.String() + costEnd + after
	if *updateCost {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(raw) {
		t.Errorf("docs/cost.md differs; `go test ./infra -run Cost -update` writes it anew. Got:\n%s", b.String())
	}
}
