package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"example.com/unbroken/internal/failover"
	"example.com/unbroken/localstack/edge/dns"
	"example.com/unbroken/localstack/edge/healthcheck"
)

// deployedChecks are the health checks of the template as the stand-in for Route 53 evaluates them.
func deployedChecks(t *testing.T, tmpl template) map[string]healthcheck.Check {
	t.Helper()
	checks := map[string]healthcheck.Check{}
	for name, r := range tmpl.Resources {
		if r.Type != "AWS::Route53::HealthCheck" {
			continue
		}
		id := "${" + name + "}" // as text has what refers to it
		config, _ := get(r.Properties, "HealthCheckConfig").(map[string]any)
		c := &types.HealthCheckConfig{
			Type: types.HealthCheckType(text(config["Type"])), FullyQualifiedDomainName: aws.String(text(config["FullyQualifiedDomainName"])),
			ResourcePath:                 aws.String(text(config["ResourcePath"])),
			InsufficientDataHealthStatus: types.InsufficientDataHealthStatus(text(config["InsufficientDataHealthStatus"])),
		}
		if a := config["AlarmIdentifier"]; a != nil {
			c.AlarmIdentifier = &types.AlarmIdentifier{Name: aws.String(text(get(a, "Name"))), Region: types.CloudWatchRegion(text(get(a, "Region")))}
		}
		for _, child := range list(config["ChildHealthChecks"]) {
			c.ChildHealthChecks = append(c.ChildHealthChecks, text(child))
		}
		for _, number := range []struct {
			name string
			into **int32
		}{{"HealthThreshold", &c.HealthThreshold}, {"RequestInterval", &c.RequestInterval}, {"FailureThreshold", &c.FailureThreshold}} {
			if n, ok := config[number.name].(float64); ok {
				*number.into = aws.Int32(int32(n))
			}
		}
		check, ok := healthcheck.Of(id, c)
		if !ok {
			t.Fatalf("%s cannot be evaluated: %v", id, config)
		}
		checks[id] = check
	}
	return checks
}

// deployedRecords are the loop's name as the stand-in answers it; a region's own name answers with the region.
func deployedRecords(tmpl template) (records []dns.Record) {
	for _, r := range tmpl.Resources {
		if r.Type != "AWS::Route53::RecordSet" {
			continue
		}
		p := r.Properties
		own := text(get(p, "AliasTarget", "DNSName"))
		records = append(records, dns.Record{
			Name: text(p["Name"]) + ".", Type: text(p["Type"]), Set: text(p["SetIdentifier"]), Region: text(p["Region"]), Health: text(p["HealthCheckId"]), Alias: own,
		}, dns.Record{Name: own + ".", Type: "A", Values: []string{text(p["SetIdentifier"])}})
	}
	return records
}

// The truth table of a region: two endpoint checks, each healthy or not, and three alarms, each of every state that an
// alarm has, or not to be read at all. Healthy is: at least four of the five, and who has no data does not object.
func TestWhatTheDeployedChecksSayOfEveryCombination(t *testing.T) {
	tmpl := made.pair.stacks["ub-dns"]
	all := deployedChecks(t, tmpl)
	states := []string{"OK", "ALARM", "INSUFFICIENT_DATA", ""}
	regions := 0
	for _, last := range all {
		if last.Kind != healthcheck.Calculated {
			continue
		}
		regions++
		var endpoints, alarms []healthcheck.Check
		for _, child := range last.Children {
			if all[child].Kind == healthcheck.Endpoint {
				endpoints = append(endpoints, all[child])
			} else {
				alarms = append(alarms, all[child])
			}
		}
		if len(endpoints) != 2 || len(alarms) != 3 {
			t.Fatalf("%d endpoints and %d alarms", len(endpoints), len(alarms))
		}
		combinations := 0
		for bits := range 4 * 4 * 4 * 4 {
			up := []bool{bits&1 == 0, bits&2 == 0}
			said := []string{states[bits>>2&3], states[bits>>4&3], states[bits>>6&3]}
			board := boardOf(all)
			for i, e := range endpoints {
				for range e.Threshold {
					board.Answered(e.ID, up[i])
				}
			}
			objecting := 0
			for i, a := range alarms {
				board.Reported(a.ID, said[i])
				if said[i] == "ALARM" {
					objecting++
				}
			}
			want := false
			switch { // as DESIGN has it, in words
			case up[0] && up[1]:
				want = objecting <= 1
			case up[0] || up[1]: // they are equal: only while the last answer of one is in and that of the other is not
				want = objecting == 0
			}
			if got := board.Healthy(last.ID); got != want {
				t.Errorf("endpoints %v, alarms %q: healthy %v", up, said, got)
			}
			combinations++
		}
		if combinations != 256 {
			t.Errorf("%d combinations", combinations)
		}
	}
	if regions != 2 {
		t.Errorf("%d regions are checked", regions)
	}
}

func boardOf(all map[string]healthcheck.Check) *healthcheck.Board {
	board := healthcheck.NewBoard()
	var checks []healthcheck.Check
	for _, c := range all {
		checks = append(checks, c)
	}
	board.Set(checks)
	return board
}

// Who is answered, from near either region, for every pair of regions that look well or dead: the one that is well, and
// where all look dead, all are: monitors that fail do not take the loop down.
func TestWhoIsAnsweredByTheDeployedRecords(t *testing.T) {
	tmpl := made.pair.stacks["ub-dns"]
	all, records := deployedChecks(t, tmpl), deployedRecords(tmpl)
	east, west := "us-east-2", "us-west-2"
	for _, c := range []struct {
		dead             []string
		fromEast, toWest string // who is answered near east, near west
	}{{nil, east, west}, {[]string{east}, west, west}, {[]string{west}, east, east}, {[]string{east, west}, east, west}} {
		board := boardOf(all)
		for id, check := range all {
			if check.Kind == healthcheck.Endpoint && slices.ContainsFunc(c.dead, func(r string) bool { return strings.Contains(check.URL, r) }) {
				for range check.Threshold {
					board.Answered(id, false)
				}
			}
		}
		for near, want := range map[string]string{east: c.fromEast, west: c.toWest} {
			far := map[string]string{east: west, west: east}[near]
			got, _ := dns.Policy{Healthy: board.Healthy, Near: []string{near, far}}.Answer(records, "loop.example.com", "A")
			if len(got) != 1 || fmt.Sprint(got[0].Values) != "["+want+"]" {
				t.Errorf("dead %v, near %s: answered %v, want %s", c.dead, near, got, want)
			}
		}
	}
}

// The two endpoint checks of a region are one check made twice: if they differed in how often they ask, from where, or how
// many answers count, the first that turns and one objecting observer would be enough to leave. The plan times both.
func TestTheTwoEndpointChecksOfARegionAreEqual(t *testing.T) {
	twins := map[string][]map[string]any{} // by the host that is asked
	for _, r := range made.pair.stacks["ub-dns"].Resources {
		config, _ := get(r.Properties, "HealthCheckConfig").(map[string]any)
		if config["Type"] == "HTTPS" {
			host := text(config["FullyQualifiedDomainName"])
			twins[host] = append(twins[host], config)
		}
	}
	for _, region := range []string{"us-east-2", "us-west-2"} {
		two := twins[failover.Host("loop.example.com", region)]
		if len(two) != 2 || !reflect.DeepEqual(two[0], two[1]) {
			t.Fatalf("%s is asked by unequal checks: %v", region, two)
		}
		if one := two[0]; one["RequestInterval"] != float64(failover.Interval) || one["FailureThreshold"] != float64(failover.Threshold) || one["ResourcePath"] != failover.Path {
			t.Errorf("%s is not asked as planned: %v", region, one)
		}
	}
	if len(twins) != 2 {
		t.Errorf("asked: %v", twins)
	}
}
