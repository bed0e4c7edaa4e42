package main

import (
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/ledger"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	regions "example.com/unbroken/internal/region"
	"example.com/unbroken/internal/sweep"
)

// statement is one IAM statement with its lists resolved.
type statement struct {
	effect             string
	actions, resources []string
	condition          any
}

func (s statement) line() string {
	line := s.effect + " " + strings.Join(s.actions, ",") + " " + strings.Join(s.resources, " ")
	for _, key := range list(get(s.condition, "ForAllValues:StringLike", "dynamodb:LeadingKeys")) {
		line += " " + text(key)
	}
	return line
}

func statements(document any) []statement {
	var all []statement
	for _, s := range list(get(document, "Statement")) {
		one := statement{effect: text(get(s, "Effect")), condition: get(s, "Condition")}
		for _, a := range list(get(s, "Action")) {
			one.actions = append(one.actions, text(a))
		}
		for _, r := range list(get(s, "Resource")) {
			one.resources = append(one.resources, text(r))
		}
		all = append(all, one)
	}
	return all
}

// eachRole calls f with every role's name and everything it may do. A policy outside the role's own document
// would escape the tests, so there must be none.
func eachRole(t *testing.T, a assembly, f func(name string, all []statement)) {
	t.Helper()
	for _, typ := range []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"} {
		a.each(typ, func(stack, id string, _ resource) {
			t.Errorf("%s %s: a policy outside its role", stack, id)
		})
	}
	a.each("AWS::IAM::Role", func(_, _ string, r resource) {
		name := text(r.Properties["RoleName"])
		if m := list(r.Properties["ManagedPolicyArns"]); len(m) > 0 {
			t.Errorf("%s has managed policies %v", name, m)
		}
		var all []statement
		for _, p := range list(r.Properties["Policies"]) {
			all = append(all, statements(get(p, "PolicyDocument"))...)
		}
		f(name, all)
	})
}

// What a function may do to data, from us-east-2, in full; after a table, on the items with which keys. {own} and {peer} stand for the two loop regions.
var contract = map[string][]string{
	"ingest-http": {
		"sqs:SendMessage signals@{own} signals@{peer}",
		"dynamodb:PutItem table/outputs@{own} ledger#{own}#* heard#*",
		"dynamodb:Query table/outputs@{own} state#* verdict#* canarykey#{own}",
	},
	"ingest-queue": {
		"sqs:ReceiveMessage,sqs:DeleteMessage,sqs:GetQueueAttributes inbox@{own}",
		"sqs:SendMessage signals@{own} signals@{peer} inbox-dlq@{own}",
		"dynamodb:PutItem table/outputs@{own} ledger#{own}#* heard#*",
		"dynamodb:Query table/outputs@{own} canarykey#{own}",
	},
	"decide": {
		"sqs:ReceiveMessage,sqs:DeleteMessage,sqs:GetQueueAttributes signals@{own}",
		"sqs:SendMessage signals@{own} signals@{peer} actions@{own} signals-dlq@{own}",
		"dynamodb:GetItem,dynamodb:PutItem,dynamodb:UpdateItem table/claims@{own} episode#*",
		"dynamodb:Query table/outputs@{own}",
		"dynamodb:PutItem,dynamodb:BatchWriteItem table/outputs@{own} win#{own}#* ledger#{own}#*",
	},
	"act": {
		"sqs:ReceiveMessage,sqs:DeleteMessage,sqs:GetQueueAttributes actions@{own}",
		"sqs:SendMessage signals@{own} signals@{peer} actions@{own} actions-dlq@{own}",
		"dynamodb:GetItem,dynamodb:PutItem,dynamodb:UpdateItem table/claims@{own} effect#* budget#* throttle#*",
		"dynamodb:GetItem table/claims@{own} controls",
		"dynamodb:BatchGetItem table/outputs@{own}",
		"dynamodb:UpdateItem table/outputs@{own} out#{own}#*",
		"dynamodb:PutItem table/outputs@{own} receipt#{own} ledger#{own}#*",
		"ssm:GetParameter arn:aws:ssm:{own}:123456789012:parameter/ub/page",
	},
	"canary": {
		"dynamodb:PutItem table/outputs@{own} canarykey#{own}",
		"execute-api:Invoke arn:aws:execute-api:{own}:123456789012:{api}/$default/POST/v1/signals/unbroken.canary",
		"sqs:SendMessage inbox@{own}",
	},
	"salvage": {
		"sqs:ReceiveMessage,sqs:DeleteMessage,sqs:ChangeMessageVisibility inbox@{peer} signals@{peer} actions@{peer}",
		"sqs:SendMessage inbox@{own} signals@{own} actions@{own} signals@{peer} actions@{peer}",
		"dynamodb:Query table/outputs@{own} state#* verdict#*",
	},
	"outputs": {
		"dynamodb:Query,dynamodb:BatchGetItem table/outputs@{own}",
		"dynamodb:Query table/outputs/index/keys@{own}",
	},
	"sweeper": {
		"dynamodb:Scan table/claims@{own}",
		"dynamodb:GetItem table/claims@{own} episode#*",
		"dynamodb:DeleteItem table/claims@{own} effect#* episode#* budget#* throttle#*",
		"dynamodb:Query,dynamodb:PutItem table/outputs@{own} sweep#{own}",
	},
	"observer": {
		"sqs:GetQueueAttributes inbox@{own} inbox@{peer} inbox-dlq@{own} inbox-dlq@{peer} " +
			"signals@{own} signals@{peer} signals-dlq@{own} signals-dlq@{peer} " +
			"actions@{own} actions@{peer} actions-dlq@{own} actions-dlq@{peer}",
		"dynamodb:Query,dynamodb:GetItem table/outputs@{own} table/outputs@{peer}",
		"dynamodb:PutItem table/outputs@{own} table/outputs@{peer} verdict#* state#* endpoint#{own} told#{own}",
	},
}

func TestRolesGrantTheContractAndNoMore(t *testing.T) {
	seen := 0
	eachRole(t, made.pair, func(name string, all []statement) {
		function, ok := strings.CutSuffix(strings.TrimPrefix(name, "ub-"), "-us-east-2")
		if !ok || function == "scheduler" {
			return
		}
		seen++
		var want, got []string
		for _, line := range contract[function] {
			want = append(want, expand(line))
		}
		for _, s := range all {
			if !isTelemetry(s) {
				got = append(got, s.line())
			}
		}
		if !slices.Equal(want, got) {
			t.Errorf("%s may do\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
	if seen != len(contract) {
		t.Errorf("found %d functions' roles, want %d", seen, len(contract))
	}
}

// Ingest believes whoever is announced under a region's canary keys, and outputs are replicated: in every deployment, the
// region's canary function alone may write there, and no role may write what it likes.
func TestOnlyACanaryFunctionAnnouncesKeys(t *testing.T) {
	writes := []string{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
	announce := 0
	for _, a := range []assembly{made.pair, made.emulated, made.three, made.single, made.archived, made.targets} {
		eachRole(t, a, func(role string, all []statement) {
			for _, s := range all {
				onOutputs := slices.ContainsFunc(s.resources, func(r string) bool { return strings.HasSuffix(r, "-"+loop.TableOutputs) })
				if s.effect != "Allow" || !onOutputs || !slices.ContainsFunc(s.actions, func(action string) bool { return slices.Contains(writes, action) }) {
					continue
				}
				keys := list(get(s.condition, "ForAllValues:StringLike", "dynamodb:LeadingKeys"))
				if len(keys) == 0 {
					t.Errorf("%s may %v anything in outputs", role, s.actions)
				}
				for _, key := range keys {
					kind, rest, _ := strings.Cut(text(key), "#")
					_, region, own := strings.Cut(role, "-"+loop.FuncCanary+"-")
					switch {
					case strings.ContainsAny(kind, "*?"):
						t.Errorf("%s may %v %v", role, s.actions, key)
					case kind+"#" != loop.CanaryKeyKey(""):
					case !own || rest != region || !slices.Equal(s.actions, writes[:1]):
						t.Errorf("%s may %v %v", role, s.actions, key)
					default:
						announce++
					}
				}
			}
		})
	}
	if announce < 10 {
		t.Errorf("only %d canary functions announce a key", announce)
	}
}

// What the functions write into outputs is theirs to write, by the keys that the code makes: an emulator does not ask.
func TestWhatFunctionsWriteIsTheirs(t *testing.T) {
	const own, peer = "us-east-2", "us-west-2"
	ledgered := ledger.Name(own, time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))
	seen := 0
	for function, keys := range map[string][]string{
		loop.FuncIngestHTTP:  {ledgered, loop.HeardKey("default")},
		loop.FuncIngestQueue: {ledgered, loop.HeardKey("inbox")},
		loop.FuncDecide:      {ledgered, "win#" + own + "#rule#key"},
		loop.FuncAct:         {ledgered, loop.ReceiptKey(own)},
		loop.FuncSweeper:     {sweep.Name(own)},
		loop.FuncCanary:      {loop.CanaryKeyKey(own)},
		loop.FuncObserver:    {regions.StateKey(peer), regions.VerdictKey(own), observe.EndpointKey(own), loop.ToldKey(own)},
	} {
		eachRole(t, made.pair, func(role string, all []statement) {
			if role != "ub-"+function+"-"+own {
				return
			}
			seen++
			for _, key := range keys {
				if !slices.ContainsFunc(all, func(s statement) bool {
					return slices.Contains(s.actions, "dynamodb:PutItem") && strings.HasSuffix(s.resources[0], "-"+loop.TableOutputs) &&
						slices.ContainsFunc(list(get(s.condition, "ForAllValues:StringLike", "dynamodb:LeadingKeys")), func(pattern any) bool {
							fits, err := path.Match(text(pattern), key)
							return err == nil && fits
						})
				}) {
					t.Errorf("%s may not write %s", role, key)
				}
			}
		})
	}
	if seen != 7 {
		t.Errorf("%d roles are looked at", seen)
	}
}

// A canary enters by the ways in that there are, and where there is none, at signals, which admits it then and only then.
func TestACanaryMaySendWhereItEntersOnly(t *testing.T) {
	for _, c := range []struct {
		of   assembly
		want []string
	}{
		{made.pair, []string{"execute-api:Invoke", "sqs:SendMessage ub-inbox"}},
		{made.single, []string{"sqs:SendMessage ub-signals"}},
	} {
		eachRole(t, c.of, func(role string, all []statement) {
			if role != "ub-canary-us-east-2" {
				return
			}
			var got []string
			for _, s := range all {
				switch s.actions[0] {
				case "execute-api:Invoke":
					got = append(got, s.actions[0])
				case "sqs:SendMessage":
					for _, r := range s.resources {
						got = append(got, "sqs:SendMessage "+r[strings.LastIndex(r, ":")+1:])
					}
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// Act reads episodes where a rule may mute another one, and in no other deployment.
func TestActReadsEpisodesWhereARuleIsInhibited(t *testing.T) {
	for _, c := range []struct {
		of   assembly
		want bool
	}{{made.targets, true}, {made.pair, false}} {
		eachRole(t, c.of, func(name string, all []statement) {
			if name != "ub-act-us-east-2" {
				return
			}
			got := slices.ContainsFunc(all, func(s statement) bool {
				return s.line() == expand("dynamodb:GetItem table/claims@{own} episode#*")
			})
			if got != c.want {
				t.Errorf("%v, want %v: %v", got, c.want, all)
			}
		})
	}
}

// expand turns signals@{own} into the queue's ARN, and table/claims@{own} into the table's.
func expand(line string) string {
	words := strings.Fields(line)
	for i, w := range words {
		name, in, ok := strings.Cut(w, "@")
		switch {
		case !ok:
		case strings.HasPrefix(name, "table/"):
			words[i] = "arn:aws:dynamodb:" + in + ":123456789012:table/ub-" + strings.TrimPrefix(name, "table/")
		default:
			words[i] = "arn:aws:sqs:" + in + ":123456789012:ub-" + name
		}
	}
	return "Allow " + strings.NewReplacer("{own}", "us-east-2", "{peer}", "us-west-2", "{api}", "${"+apiOf("ub-us-east-2")+"}").Replace(strings.Join(words, " "))
}

// apiOf is the id that the template of a stack has for its HTTP API.
func apiOf(stack string) string {
	for id, r := range made.pair.stacks[stack].Resources {
		if r.Type == "AWS::ApiGatewayV2::Api" {
			return id
		}
	}
	return ""
}

func isTelemetry(s statement) bool {
	return !slices.ContainsFunc(s.actions, func(a string) bool {
		service, _, _ := strings.Cut(a, ":")
		return service != "logs" && service != "xray" && service != "cloudwatch"
	})
}

// GetMetricData knows no resources: who may read one metric of a region may read all. So only those may who must.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
func TestOnlyObserversAndPollsReadMetrics(t *testing.T) {
	eachRole(t, made.pair, func(name string, all []statement) {
		reads := slices.ContainsFunc(all, func(s statement) bool { return slices.Contains(s.actions, "cloudwatch:GetMetricData") })
		if want := strings.HasPrefix(name, "ub-observer-") || strings.HasPrefix(name, "ub-ingest-poll-"); reads != want {
			t.Errorf("%s reads metrics: %v", name, reads)
		}
	})
}

func TestNoRoleHasAWildcardOnData(t *testing.T) {
	for _, a := range []assembly{made.pair, made.emulated, made.three, made.single} {
		eachRole(t, a, func(name string, all []statement) {
			for _, s := range all {
				for _, action := range s.actions {
					if strings.Contains(action, "*") {
						t.Errorf("%s: wildcard action %s", name, action)
					}
				}
				for _, r := range s.resources {
					if strings.ContainsAny(r, "*?") && !isTelemetry(s) {
						t.Errorf("%s: %v on %s", name, s.actions, r)
					}
				}
				if slices.Contains(s.actions, "cloudwatch:PutMetricData") &&
					text(get(s.condition, "StringEquals", "cloudwatch:namespace")) != metricNamespace {
					t.Errorf("%s may write metrics outside %s", name, metricNamespace)
				}
			}
		})
	}
}

// dataPlane are the calls that read, write or run something that stands. Everything else makes, changes or removes it,
// and may be down while that works.
var dataPlane = []string{
	"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes",
	"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan",
	"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem",
	"ssm:GetParameter", "secretsmanager:GetSecretValue", "s3:PutObject", "lambda:InvokeFunction", "execute-api:Invoke",
	"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
	"cloudwatch:GetMetricData", "cloudwatch:PutMetricData",
}

// Flipping is writing an item: nothing that runs may need, or be able to use, a control plane, that of DNS least of all.
// Act may call what an action of loop.yaml names, which is a person's choice.
func TestNoRoleReachesAControlPlane(t *testing.T) {
	roles := 0
	for _, a := range []assembly{made.pair, made.emulated, made.three, made.single, made.archived, made.targets} {
		eachRole(t, a, func(name string, all []statement) {
			roles++
			for _, s := range all {
				for _, action := range s.actions {
					switch {
					case slices.Contains(dataPlane, action):
					case strings.HasPrefix(action, "route53") || !strings.HasPrefix(name, "ub-act-"):
						t.Errorf("%s may %s", name, action)
					case slices.ContainsFunc([]string{"iam:", "lambda:", "cloudformation:", "sqs:", "dynamodb:", "apigateway:", "scheduler:", "events:", "logs:"},
						func(service string) bool { return strings.HasPrefix(action, service) && action != "events:PutEvents" }):
						t.Errorf("%s may %s", name, action) // the loop's own services
					}
				}
			}
		})
	}
	if roles < 60 {
		t.Errorf("only %d roles are looked at", roles)
	}
}

// Silences and kill switches are people's: act writes them only where a rule may stop itself, and nothing else does.
func TestOnlyAnActThatMayStopARuleWritesTheControls(t *testing.T) {
	for name, c := range map[string]struct {
		assembly assembly
		writes   bool
	}{"no rule has max_regressions": {made.pair, false}, "one has": {made.targets, true}} {
		writes := false
		eachRole(t, c.assembly, func(role string, all []statement) {
			for _, s := range all {
				keys := list(get(s.condition, "ForAllValues:StringLike", "dynamodb:LeadingKeys"))
				if len(keys) == 1 && text(keys[0]) == loop.KeyControls && slices.Contains(s.actions, "dynamodb:PutItem") {
					writes = true
					if !strings.HasPrefix(role, "ub-act-") {
						t.Errorf("%s: %s writes them", name, role)
					}
				}
			}
		})
		if writes != c.writes {
			t.Errorf("%s: act writes them: %v", name, writes)
		}
	}
}

// Who is not traced may write no traces.
func TestTracesAreWrittenByWhoIsTraced(t *testing.T) {
	writers := func(a assembly) (n int) {
		eachRole(t, a, func(_ string, all []statement) {
			for _, s := range all {
				if slices.Contains(s.actions, "xray:PutTraceSegments") {
					n++
				}
			}
		})
		return n
	}
	if n := writers(made.single); n != 0 {
		t.Errorf("%d functions may write traces, with -c tracing=0", n)
	}
	if n := writers(made.pair); n != 8 {
		t.Errorf("%d functions may write traces, want ingest, decide and act of two regions", n)
	}
}
