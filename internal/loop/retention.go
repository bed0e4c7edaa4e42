package loop

import "time"

// How long things are kept, where one retention rests on another.
const (
	// SourceRetention and DeadRetention are how long a message lives in a queue and in its dead-letter queue.
	SourceRetention = 4 * 24 * time.Hour
	DeadRetention   = 14 * 24 * time.Hour

	// ClaimKeep is how long a claim outlives its effect's end. While a message of the effect may still lie in a
	// queue, its claim must be there to say that it is done: even one that a person renews when it redrives it.
	ClaimKeep = SourceRetention + DeadRetention + 3*24*time.Hour
)
