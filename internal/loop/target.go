package loop

import (
	"slices"
	"strings"
	"time"
)

// Targets an action may name. Slack and PagerDuty are webhooks by the time an effect is rendered.
const (
	TargetWebhook       = "webhook"
	TargetSlack         = "slack"
	TargetPagerDuty     = "pagerduty"
	TargetOutput        = "output"
	TargetSNS           = "sns"
	TargetSQS           = "sqs"
	TargetEventBridge   = "eventbridge"
	TargetLambda        = "lambda"
	TargetStepFunctions = "step-functions"
	TargetSSM           = "ssm"
	TargetDynamoDB      = "dynamodb"
	TargetS3            = "s3"
	TargetAppConfig     = "appconfig"
	TargetAlarm         = "alarm"
	TargetMetric        = "metric"

	TargetRegression = "regression" // of effects of PhaseGuard: no action can name it
)

// OwnRegion, as the region of a resource, is the region that acts.
const OwnRegion = "own"

// Capability is what a target can promise: the classes it can keep, its default first, and the longest that it
// remembers an idempotency key (0: as long as it says itself).
type Capability struct {
	Classes []Class
	Horizon time.Duration
}

// Can says whether the class is among the promises.
func (c Capability) Can(class Class) bool { return slices.Contains(c.Classes, class) }

// How long AWS remembers.
//
//	https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
//	https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
//	https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
const (
	fifoHorizon      = 5 * time.Minute
	executionHorizon = 90 * 24 * time.Hour
)

// Capability is the one table of targets and classes; ok is false for a target that nobody knows. Whether a topic
// or a queue deduplicates is in its name: AWS makes the suffix .fifo mandatory.
func (a Action) Capability() (c Capability, ok bool) {
	classes := func(all ...Class) (Capability, bool) { return Capability{Classes: all}, true }
	switch a.To {
	case TargetOutput:
		return classes(ClassNative)
	case TargetWebhook:
		return classes(ClassKeyed, ClassOnce)
	case TargetPagerDuty:
		return classes(ClassKeyed)
	case TargetSNS, TargetSQS:
		if strings.HasSuffix(a.Fields["topic"]+a.Fields["queue"], ".fifo") {
			return Capability{Classes: []Class{ClassKeyed}, Horizon: fifoHorizon}, true
		}
		return classes(ClassOnce)
	case TargetStepFunctions: // an Express state machine ignores names: it has to be declared `once`
		return Capability{Classes: []Class{ClassKeyed, ClassOnce}, Horizon: executionHorizon}, true
	case TargetEventBridge, TargetLambda, TargetMetric, TargetSlack:
		return classes(ClassOnce)
	case TargetDynamoDB, TargetS3, TargetAppConfig:
		return classes(ClassFenced)
	case TargetSSM, TargetAlarm:
		return classes(ClassSet)
	}
	return Capability{}, false
}

// Names of what an effect leaves at a target beside its content, where the target has a place for it.
const (
	AttributeFence  = "unbroken_fence"  // orders the effects of one (rule, key); the greater one stands
	AttributeEffect = "unbroken_effect" // the effect's id, by which a consumer can tell a repetition
)

// Prefixes of Request.Headers that are not parameters of the call but what a message or a metric carries.
const (
	HeaderAttribute = "attribute."
	HeaderDimension = "dimension."
)
