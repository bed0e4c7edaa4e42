package sqsmetrics

import "time"

// Message is what is known of a message that is in a queue.
type Message struct {
	ID           string
	Sent         time.Time
	VisibleAt    time.Time
	Received     int
	DeadLettered bool // SQS itself moved it here
}

// Depths are a queue's metrics at one instant.
type Depths struct {
	Visible, NotVisible, Delayed int
	Oldest                       time.Duration // the age of the oldest message
}

// maxReceives is how often a message may be received and still be looked at for the age: after that it stands at
// the back of the queue, whether or not there is a redrive policy.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
const maxReceives = 3

// Measure counts the messages of a queue. arrived says when a message came into this queue, where that is not when it
// was sent: for a dead letter that SQS moved, the age is the time in the dead-letter queue.
func Measure(messages []Message, arrived func(id string) time.Time, now time.Time) Depths {
	var d Depths
	for _, m := range messages {
		switch {
		case !m.VisibleAt.After(now):
			d.Visible++
		case m.Received == 0:
			d.Delayed++
		default:
			d.NotVisible++
		}
		since := m.Sent
		if m.DeadLettered {
			since = arrived(m.ID)
		} else if m.Received >= maxReceives {
			continue // poison hides itself from the age
		}
		d.Oldest = max(d.Oldest, now.Sub(since))
	}
	return d
}

// Flow counts what was received and what was deleted since the last look, when each message had been received so often;
// after is what the next look needs. What came and went in between is in neither number: no call shows it.
func Flow(before map[string]int, messages []Message) (received, deleted int, after map[string]int) {
	after = map[string]int{}
	for _, m := range messages {
		after[m.ID] = m.Received
		received += m.Received - before[m.ID]
	}
	for id, receives := range before {
		if _, there := after[id]; there {
			continue
		}
		deleted++
		if receives == 0 {
			received++
		}
	}
	return received, deleted, after
}
