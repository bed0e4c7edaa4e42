package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

	"example.com/unbroken/internal/failover"
	"example.com/unbroken/internal/loop"
)

const (
	// deadAgeAlarmDays: a message that SQS itself moved keeps its first enqueue time for expiry, while the age
	// metric restarts at the move. After up to 4 days in the source, 10 of the 14 may be left; alarming at 7
	// leaves a person 3 days.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
	deadAgeAlarmDays = 7

	// Delayed copies, timers and backoff wait in these queues on purpose for up to 900 s, and may count.
	delayedAgeAlarm = 900 + 300
	inboxAgeAlarm   = 300
)

// queueAlarms: a dead letter pages at once, one near the end of its retention again, and so does a queue that
// is not being drained. Metrics of an idle queue stop after six hours, so missing data is quiet here.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
func (r region) queueAlarms(p pager) {
	for _, queue := range loop.Queues() {
		dead := loop.DeadLetter(queue)
		p.page(watch{
			name:   dead + "-messages",
			means:  "Something could not be handled. unbroken redrive QUEUE --dry-run shows why; repair it, then redrive.",
			metric: r.sqs(dead, visibleMessages, "Maximum"),
		})
		p.page(watch{
			name:   dead + "-age",
			means:  "A dead letter is days from being deleted. Redrive it or save it now.",
			metric: r.sqs(dead, oldestMessage, "Maximum"),
			above:  deadAgeAlarmDays * 24 * 3600,
		})
		age := float64(delayedAgeAlarm)
		if queue == loop.QueueInbox {
			age = inboxAgeAlarm
		}
		p.page(watch{
			name:    queue + "-age",
			means:   "The queue is not being drained. Is the mapping on, does its function run, is it throttled?",
			metric:  r.sqs(queue, oldestMessage, "Maximum"),
			above:   age,
			periods: 3,
		})
	}
}

// errorAlarms are all that a function has of its own. One that Lambda refuses to run is noticed by what waits for it: the
// API answers 5xx, its queue grows old, its observer or sweeper is silent; and observers find throttles of decide and act.
// Where nothing of that waits for it, see throttleAlarm.
func (r region) errorAlarms(p pager, names ...string) {
	for _, name := range names {
		p.page(watch{
			name:    name + "-errors",
			means:   "The function crashes or times out. Messages come back and are tried again; look at its log.",
			metric:  r.lambda(name, "Errors", "Sum"),
			periods: 2,
		})
	}
}

// throttleAlarm is of a function that is called without anybody waiting: Lambda keeps what it refuses to run to itself, and
// tries for six hours. One event is refused less and less often, so that two minutes are enough.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func (r region) throttleAlarm(p pager, name string) {
	p.page(watch{
		name:    name + "-throttles",
		means:   "Lambda refuses invocations, and what came in waits unseen. Raise the account's or the function's concurrency.",
		metric:  r.lambda(name, "Throttles", "Sum"),
		periods: 2,
	})
}

func (r region) apiAlarms(p pager, api awsapigatewayv2.HttpApi) {
	p.page(watch{
		name:    "api-5xx",
		means:   "The API answers 5xx: clients hedge to the peer. Look at the access log for the route.",
		metric:  r.metric("AWS/ApiGateway", "5xx", "Sum", map[string]*string{"ApiId": api.ApiId()}),
		above:   10,
		periods: 2,
	})
}

// stuckAlarms: effects that ended without having been done.
func (r region) stuckAlarms(p pager) {
	p.page(watch{
		name:   "effects-parked",
		means:  "An effect waits for a person: it may or may not have happened, or it wants approval. unbroken parked list, then approve, retry or discard.",
		metric: r.own(loop.FuncAct, "Parked", "Sum"),
	})
	p.page(watch{
		name:   "rule-stopped",
		means:  "A rule made things worse too often and stopped itself: unbroken silence list says which; mend it, then unbroken revive.",
		metric: r.own(loop.FuncAct, "RulesStopped", "Sum"),
	})
	p.page(watch{
		name:   "effects-expired",
		means:  "An effect was not done in time and never will be. Is its target down?",
		metric: r.own(loop.FuncAct, "Expired", "Sum"),
	})
}

// sweeperAlarms: what the daily pass over claims finds, and that there is one. A pass that nobody makes would let
// what is overdue go unseen, so its silence pages too.
func (r region) sweeperAlarms(p pager) {
	r.errorAlarms(p, loop.FuncSweeper)
	p.page(watch{
		name:   "claims-overdue",
		means:  "An effect should have ended and has not: nobody works on it. See unbroken balance, then unbroken parked retry.",
		metric: r.own(loop.FuncSweeper, "Overdue", "Sum"),
	})
	p.page(watch{
		name:    loop.FuncSweeper + "-silent",
		means:   "The sweeper does not run: nothing overdue is found, and claims grow. Is its schedule on?",
		metric:  r.lambda(loop.FuncSweeper, "Invocations", "Sum").With(&awscloudwatch.MetricOptions{Period: seconds(3600)}),
		below:   1,
		periods: 3,
		missing: awscloudwatch.TreatMissingData_BREACHING,
	})
}

// observerAlarms watch the watcher, in its own region. Silence never votes on a region's health, so it must page, and one
// alarm does: an observer tells every minute how many of the others it does not hear, and where none tells, that is
// missing data, which is breaching. Two silent minutes are a restart, three are not.
func (r region) observerAlarms(p pager) {
	r.errorAlarms(p, loop.FuncObserver)
	p.page(watch{
		name:    "observers-silent",
		means:   "An observer is silent: this region's runs not or cannot say so, or another's is not heard here. Its verdicts grow stale and stop counting; nothing flips because of it. unbroken status says which.",
		metric:  r.observed("SilentObservers"),
		periods: 3,
		missing: awscloudwatch.TreatMissingData_BREACHING,
	})
	p.page(watch{
		name:    loop.FuncObserver + "-finds",
		means:   "For five minutes something has been wrong in a region that is no reason to leave it (dead letters, an old or growing queue, messages that come back, throttles), or could not be seen, which does not vote. unbroken status says what.",
		metric:  r.observed("ObserverFound"),
		periods: 5,
	})
	if r.watchesInputs() {
		p.page(watch{
			name:    "input-stalled",
			means:   "An input that should be heard is silent; its standby, if it has one, is active. unbroken status says which; what became of its producers?",
			metric:  r.own(loop.FuncObserver, "StalledInputs", "Maximum"),
			periods: 2,
		})
	}
	for _, judged := range r.cfg.Regions.Loop {
		p.page(watch{
			name:    failover.Objection(judged),
			means:   "This observer says that " + judged + " is not well. Two such leave it out of DNS.",
			metric:  r.verdict(judged),
			below:   1,
			periods: 2,
			missing: awscloudwatch.TreatMissingData_MISSING,
		})
	}
}
