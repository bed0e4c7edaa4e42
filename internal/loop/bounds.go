package loop

import "time"

// Bounds are what observers judge by; internal/observe says which checks they belong to.
type Bounds struct {
	ReceiptAge    Duration `yaml:"receipt_age"    json:"receiptAge"`    // of the newest canary that came through; beyond it an observer objects
	QueueAge      Duration `yaml:"queue_age"      json:"queueAge"`      // of the oldest message
	QueueGrowth   int      `yaml:"queue_growth"   json:"queueGrowth"`   // messages within ten minutes
	DeadLetters   int      `yaml:"dead_letters"   json:"deadLetters"`   // messages in one dead-letter queue
	ErrorRatio    float64  `yaml:"error_ratio"    json:"errorRatio"`    // of what was received: came back instead of being done, 0 to 1
	ThrottleRatio float64  `yaml:"throttle_ratio" json:"throttleRatio"` // of the invocations that were asked for, 0 to 1
}

// DefaultBounds are those of a file that says nothing.
//
// A region that stopped a moment after a canary landed is drained once two observers object. Each looks every minute,
// so that this takes the receipt's age, a minute, and the seconds of a look: 75 s makes that less than 2 min 30 s. It also
// lets one canary be missed, for then 60 s pass between two (CanaryEvery).
//
// It does not let a run of the canary's function be missed, which sends two of them: 90 s pass, and for the last 15 of them
// whoever looks objects. That two of three observers do has a chance of one in six, and drains a region that is well, for ten
// minutes at least. So what could not be started is started again (infra/schedule.go). To bear a missed run the age would have
// to be beyond 90 s, and detection beyond 2 min 30 s; to close the gap otherwise costs a longer wait in each run, which is what
// canaries cost most (docs/cost.md).
//
// All this takes for granted that a schedule of one minute starts at about the same second of each. AWS promises the minute
// only: were the second drawn anew each time, 89 s could pass between two canaries of runs that all took place. In 60 hours of
// that on virtual time, regions that were well were drained twice.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
//
// Copies, timers and backoff wait in queues for up to 15 min on purpose, so that the age of a queue says little earlier.
func DefaultBounds() Bounds {
	return Bounds{
		ReceiptAge: Duration(75 * time.Second), QueueAge: Duration(20 * time.Minute), QueueGrowth: 1000,
		DeadLetters: 0, ErrorRatio: 0.1, ThrottleRatio: 0.1,
	}
}
