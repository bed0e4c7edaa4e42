package mem

import (
	"cmp"
	"slices"
	"time"
)

// fair is what a queue remembers of its message groups. As SQS does, it tells noisy groups by their share of what is
// in flight, and delivers the messages of quiet groups first; among noisy ones, those of the group that has the fewest
// in flight. SQS also goes by the share of consumers' recent time, for which it names no period; that is left out, so
// this queue is fair later than SQS is.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
type fair struct {
	noisy map[string]bool
	sent  map[string]time.Time // when a group last sent
}

const (
	noisyShare   = 0.1 // of all messages in flight
	noisyLeast   = 30  // messages of its own in flight
	quietsDownIn = 5 * time.Minute
)

// order puts the visible messages of a queue into the order of their delivery. all is everything on the queue.
func (f *fair) order(visible, all []*stored, now time.Time) {
	if len(f.noisy) == 0 && len(all) < noisyLeast {
		return // nobody is noisy, and nobody can become it
	}
	waiting, flying, total := map[string]int{}, map[string]int{}, 0
	for _, s := range all {
		switch {
		case s.group == "": // a tenant of its own, which is never noisy
			if s.receives > 0 && s.visible.After(now) {
				total++
			}
		case !s.visible.After(now):
			waiting[s.group]++
		case s.receives > 0:
			flying[s.group]++
			total++
		}
	}
	for group, n := range flying {
		if n >= noisyLeast && float64(n) > noisyShare*float64(total) {
			f.noisy[group] = true
		}
	}
	for group := range f.noisy {
		if waiting[group] == 0 || now.Sub(f.sent[group]) >= quietsDownIn {
			delete(f.noisy, group)
		}
	}
	if len(f.noisy) == 0 {
		return
	}
	rank := func(s *stored) int {
		if !f.noisy[s.group] {
			return -1
		}
		return flying[s.group]
	}
	slices.SortStableFunc(visible, func(a, b *stored) int { return cmp.Compare(rank(a), rank(b)) })
}
