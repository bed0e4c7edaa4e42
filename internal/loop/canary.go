package loop

import "time"

// A canary is a signal of the loop's own that goes the way of all signals and leaves a receipt where it ends. It is
// decided by a rule that is built in and lands at a target that is built in; no rule or action can name either.
const (
	CanarySource = OwnSourcePrefix + "canary"
	CanaryType   = "unbroken.canary"
	CanaryRule   = "unbroken:canary" // no rule's id has a colon

	// CanaryInput is where canaries are posted as to an input. None can have its name, which has a dot: unlike a colon, no
	// signer, client or gateway between here and there has two opinions of it.
	CanaryInput = "unbroken.canary"
	CanaryPath  = "/v1/signals/" + CanaryInput

	TargetReceipt = "receipt"

	CanaryEvery = 30 * time.Second
	CanaryKeep  = 90 * time.Second // how old the last receipt may be; and past this nobody waits for a canary

	// CanaryKeyKeep is how long a key that canaries are signed with is known: longer than a message stays in `inbox`, four
	// days, so that what an outage leaves there is still told from what is forged.
	CanaryKeyKeep = 5 * 24 * time.Hour
)

// Receipt says that a canary of a kind came through. One stands for every (region, kind), the newest.
type Receipt struct {
	Input    string    `json:"input"` // the kind
	SentAt   time.Time `json:"sentAt"`
	LandedAt time.Time `json:"landedAt"`
}

// Canaries are the kinds of canaries that every loop region sends itself: one for each way in that inputs are declared of and
// that producers send by, KindHTTP and KindQueue. The other kinds fetch what comes in, so where there are only such, a canary
// enters where all inputs meet.
func Canaries(inputs map[string]Input) (kinds []string) {
	for _, kind := range []string{KindHTTP, KindQueue} {
		for _, in := range inputs {
			if in.Kind == kind {
				kinds = append(kinds, kind)
				break
			}
		}
	}
	if len(kinds) == 0 {
		return []string{QueueSignals}
	}
	return kinds
}

// ReceiptKey is the key in `outputs` of a region's receipts; they are sorted by kind.
func ReceiptKey(region string) string { return "receipt#" + region }

// CanaryKeyKey is the key in `outputs` of what a region's canaries are signed with; they are sorted by their ids.
func CanaryKeyKey(region string) string { return "canarykey#" + region }
