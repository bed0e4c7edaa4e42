package loop

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Names of queues, tables and functions, without the deployment's prefix. They agree everywhere: in the
// templates, in the functions and on the command line (DESIGN section 8).
const (
	QueueInbox   = "inbox"
	QueueSignals = "signals"
	QueueActions = "actions"

	QueueArchive = "archive" // beside the chain, and only where an input is archived: not one of Queues

	TableClaims  = "claims"
	TableOutputs = "outputs"

	KeyControls = "controls" // of the one item of `claims` that holds silences and kill switches

	// The index of `outputs` that holds the keys of outputs, and nothing else; its partition key and sort key.
	IndexKeys  = "keys"
	IndexHash  = "listed"
	IndexRange = "key"

	FuncIngestHTTP  = "ingest-http"
	FuncIngestQueue = "ingest-queue"
	FuncIngestAlarm = "ingest-alarm"
	FuncIngestPoll  = "ingest-poll"
	FuncDecide      = "decide"
	FuncAct         = "act"
	FuncOutputs     = "outputs"
	FuncObserver    = "observer"
	FuncCanary      = "canary"
	FuncSweeper     = "sweeper"
	FuncSalvage     = "salvage" // where there is another loop region to salvage from
	FuncArchive     = "archive"
)

// ArchiveBucket is the name of a region's archive. Names of buckets are unique among all accounts.
func ArchiveBucket(prefix, account, region string) string {
	return Name(prefix, "archive-"+account+"-"+region)
}

// BudgetKey is the key in `claims` of a rule's budget for the hour.
func BudgetKey(ruleID string, hour time.Time) string {
	return "budget#" + ruleID + "#" + hour.UTC().Format("2006-01-02T15")
}

// RegressionKey is the key in `claims` of the dos of a rule's day that were followed by a worse signal: a budget too.
func RegressionKey(ruleID string, day time.Time) string {
	return BudgetKey(ruleID+"#regressions", day.UTC().Truncate(24*time.Hour))
}

// BudgetHour is the hour of a budget, by its key.
func BudgetHour(key string) (time.Time, error) {
	return time.Parse("2006-01-02T15", key[strings.LastIndexByte(key, '#')+1:])
}

// ThrottleKey is the key in `claims` of what was let through of a (rule, key).
func ThrottleKey(ruleID, key string) string { return "throttle#" + ruleID + "#" + KeyHash(key) }

// Queues are the source queues of a region; each has a dead-letter queue beside it.
func Queues() []string { return []string{QueueInbox, QueueSignals, QueueActions} }

// DeadLetter is the name of a queue's dead-letter queue.
func DeadLetter(queue string) string { return queue + "-dlq" }

// Name is a resource's full name, the same in every region.
func Name(prefix, name string) string { return prefix + "-" + name }

// QueueURL computes a queue's URL, so that a region reaches its peer's queue without a cross-stack reference.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
func QueueURL(region, account, prefix, queue string) string {
	return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", region, account, Name(prefix, queue))
}

// Peers are the other loop regions in the order in which they are asked to keep the standby copies of region: around
// the ring from it on. None where there is no other.
func Peers(loopRegions []string, region string) []string {
	for i, r := range loopRegions {
		if r == region {
			return append(slices.Clone(loopRegions[i+1:]), loopRegions[:i]...)
		}
	}
	return nil
}

// Peer is the first of the Peers, or "".
func Peer(loopRegions []string, region string) string {
	if peers := Peers(loopRegions, region); len(peers) > 0 {
		return peers[0]
	}
	return ""
}
