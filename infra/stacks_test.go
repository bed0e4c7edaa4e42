package main

import (
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestNagFindsNothing(t *testing.T) {
	for name, a := range map[string]assembly{"pair": made.pair, "emulated": made.emulated, "three": made.three, "single": made.single} {
		for _, f := range a.findings {
			t.Errorf("%s: %s", name, f)
		}
	}
}

func TestClaimsAreStronglyConsistent(t *testing.T) {
	for _, c := range []struct {
		name     string
		a        assembly
		mode     any
		replicas []string
		witness  string
	}{
		{"two and a witness", made.pair, "STRONG", []string{"us-east-2", "us-west-2"}, "us-east-1"},
		{"three", made.three, "STRONG", []string{"eu-central-1", "eu-west-1", "eu-west-2"}, ""},
		{"one", made.single, nil, []string{"us-east-2"}, ""},
	} {
		tables := map[string]map[string]any{}
		c.a.each("AWS::DynamoDB::GlobalTable", func(_, _ string, r resource) { tables[text(r.Properties["TableName"])] = r.Properties })
		claims, outputs := tables["ub-claims"], tables["ub-outputs"]
		if len(tables) != 2 || claims == nil || outputs == nil {
			t.Fatalf("%s: tables %v", c.name, tables)
		}
		if claims["MultiRegionConsistency"] != c.mode {
			t.Errorf("%s: claims are %v, want %v", c.name, claims["MultiRegionConsistency"], c.mode)
		}
		if outputs["MultiRegionConsistency"] != nil || len(list(outputs["GlobalTableWitnesses"])) > 0 {
			t.Errorf("%s: outputs must be eventually consistent", c.name)
		}
		witness := ""
		for _, w := range list(claims["GlobalTableWitnesses"]) {
			witness += text(get(w, "Region"))
		}
		if witness != c.witness {
			t.Errorf("%s: witness %q, want %q", c.name, witness, c.witness)
		}
		for table, props := range tables {
			var regions []string
			for _, r := range list(props["Replicas"]) {
				regions = append(regions, text(get(r, "Region")))
				if get(r, "DeletionProtectionEnabled") != true || get(r, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
					t.Errorf("%s %s: a replica without deletion protection or recovery: %v", c.name, table, r)
				}
			}
			slices.Sort(regions)
			if !slices.Equal(regions, c.replicas) {
				t.Errorf("%s %s: replicas %v, want %v", c.name, table, regions, c.replicas)
			}
			if props["BillingMode"] != "PAY_PER_REQUEST" {
				t.Errorf("%s %s: %v; a failover doubles the load at once", c.name, table, props["BillingMode"])
			}
		}
		if claims["TimeToLiveSpecification"] != nil || get(outputs, "TimeToLiveSpecification", "AttributeName") != "ttl" {
			t.Errorf("%s: only outputs expire", c.name)
		}
		// An index that held more than keys would be written with every output, and its one partition a region would
		// bound the rate of all of them.
		indexes := list(outputs["GlobalSecondaryIndexes"])
		if len(indexes) != 1 || get(indexes[0], "IndexName") != "keys" || get(indexes[0], "Projection", "ProjectionType") != "KEYS_ONLY" ||
			claims["GlobalSecondaryIndexes"] != nil {
			t.Errorf("%s: outputs has the indexes %v, claims %v", c.name, indexes, claims["GlobalSecondaryIndexes"])
		}
	}
}

func TestMappingsReportEachFailure(t *testing.T) {
	drained := map[string]string{}
	made.pair.each("AWS::Lambda::EventSourceMapping", func(stack, id string, r resource) {
		p := r.Properties
		if got := list(p["FunctionResponseTypes"]); len(got) != 1 || got[0] != "ReportBatchItemFailures" {
			t.Errorf("%s %s: one poison message would bring its whole batch back", stack, id)
		}
		if p["BatchSize"] != 10.0 || p["MaximumBatchingWindowInSeconds"] != nil || get(p, "ScalingConfig", "MaximumConcurrency") == nil {
			t.Errorf("%s %s: %v", stack, id, p)
		}
		tmpl := made.pair.stacks[stack]
		queue, f := tmpl.resource(text(p["EventSourceArn"])), tmpl.resource(text(p["FunctionName"]))
		drained[stack+" "+text(queue["QueueName"])] = text(f["FunctionName"])
		visible, _ := queue["VisibilityTimeout"].(float64)
		timeout, _ := f["Timeout"].(float64)
		if timeout == 0 || visible < 6*timeout {
			t.Errorf("%s %s: visibility %v s is less than six times the function's %v s", stack, id, visible, timeout)
		}
	})
	for stack := range made.pair.loopStacks() {
		for queue, f := range consumers() {
			if drained[stack+" ub-"+queue] != "ub-"+f {
				t.Errorf("%s: %s is drained by %q, want %s", stack, queue, drained[stack+" ub-"+queue], f)
			}
		}
	}
}

func TestFunctions(t *testing.T) {
	count := map[string]int{}
	made.pair.each("AWS::Lambda::Function", func(stack, id string, r resource) {
		p := r.Properties
		name := strings.TrimPrefix(text(p["FunctionName"]), "ub-")
		count[name]++
		if p["Runtime"] != "provided.al2023" || p["Handler"] != "bootstrap" || text(p["Architectures"]) != "[arm64]" {
			t.Errorf("%s %s: %v %v %v", stack, name, p["Runtime"], p["Handler"], p["Architectures"])
		}
		if mode := get(p, "TracingConfig", "Mode"); (mode == "Active") != onTheWay(name) {
			t.Errorf("%s %s: tracing is %v; the way of a signal is traced, and health checks would be millions of traces a month", stack, name, mode)
		}
		if inLoop(name) && p["RecursiveLoop"] != "Allow" {
			t.Errorf("%s %s: Lambda would stop its messages after 16 turns", stack, name)
		}
		env := get(p, "Environment", "Variables")
		if text(get(env, "UNBROKEN_ACCOUNT")) != "123456789012" || get(env, "UNBROKEN_LOG_LEVEL") != "info" {
			t.Errorf("%s %s: environment %v", stack, name, env)
		}
		knows := get(env, "UNBROKEN_ENDPOINT") != nil
		if want := stack != "ub-us-east-1" && (name == loop.FuncObserver || name == loop.FuncOutputs || name == loop.FuncCanary); knows != want {
			t.Errorf("%s %s knows its endpoint: %v, want %v", stack, name, knows, want)
		}
		// The slowest action takes 14 s: act must outlive it by its margin.
		if timeout, _ := p["Timeout"].(float64); name == loop.FuncAct && timeout < 14+10 {
			t.Errorf("act times out after %v s", timeout)
		}
		logs := made.pair.stacks[stack].resource(text(get(p, "LoggingConfig", "LogGroup")))
		// Of Lambda's own lines, those about what went wrong; of ours, all.
		if c := get(p, "LoggingConfig"); get(c, "LogFormat") != "JSON" || get(c, "SystemLogLevel") != "WARN" || get(c, "ApplicationLogLevel") != "DEBUG" {
			t.Errorf("%s %s logs as %v", stack, name, c)
		}
		if text(logs["LogGroupName"]) != "/aws/lambda/ub-"+name || logs["RetentionInDays"] != 30.0 {
			t.Errorf("%s %s logs to %v", stack, name, logs)
		}
	})
	for _, name := range chainFunctions() {
		if count[name] != 2 {
			t.Errorf("%s stands in %d regions, want 2", name, count[name])
		}
	}
	if count[loop.FuncObserver] != 3 {
		t.Errorf("%d observers, want 3", count[loop.FuncObserver])
	}
	made.single.each("AWS::Lambda::Function", func(_, _ string, r resource) {
		name := strings.TrimPrefix(text(r.Properties["FunctionName"]), "ub-")
		if reserved := r.Properties["ReservedConcurrentExecutions"]; (reserved == 60.0) != inLoop(name) {
			t.Errorf("%s reserves %v", name, reserved)
		}
		if r.Properties["TracingConfig"] != nil {
			t.Errorf("%s is traced, with -c tracing=0", name)
		}
	})
}

func TestWhatIsScheduled(t *testing.T) {
	n := map[string]int{}
	made.pair.each("AWS::Scheduler::Schedule", func(stack, _ string, r resource) {
		f := made.pair.stacks[stack].resource(text(get(r.Properties, "Target", "Arn")))
		n[text(f["FunctionName"])+" "+text(r.Properties["ScheduleExpression"])]++
		retries, age := 2.0, 60.0
		if text(r.Properties["ScheduleExpression"]) == "rate(1 hour)" {
			retries, age = 0, 600
		}
		if policy, ok := get(r.Properties, "Target", "RetryPolicy").(map[string]any); !ok || policy["MaximumRetryAttempts"] != retries || policy["MaximumEventAgeInSeconds"] != age {
			t.Errorf("%s: a call of Lambda that fails is to be made %v times more within %v s: %v", stack, retries, age, r.Properties)
		}
	})
	if len(n) != 4 || n["ub-salvage rate(1 minute)"] != 2 || n["ub-canary rate(1 minute)"] != 2 || n["ub-observer rate(1 minute)"] != 3 || n["ub-sweeper rate(1 hour)"] != 2 {
		t.Errorf("scheduled: %v, want an observer in every region, a canary, a salvage and a sweeper in each loop region", n)
	}
}

// A role that runs schedules may start what its own region schedules, and nothing else.
func TestSchedulersInvokeOnlyWhatIsScheduled(t *testing.T) {
	eachRole(t, made.pair, func(name string, all []statement) {
		if !strings.HasPrefix(name, "ub-scheduler-") {
			return
		}
		want := 4
		if name == "ub-scheduler-us-east-1" {
			want = 1
		}
		if len(all) != 1 || strings.Join(all[0].actions, ",") != "lambda:InvokeFunction" || len(all[0].resources) != want {
			t.Errorf("%s may %v", name, all)
		}
	})
}
