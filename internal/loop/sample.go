package loop

import "strconv"

// Sampled says whether a signal is in the sampled ledger: 1 % of the keys, the same in every region and every stage,
// because the key alone decides. Keys are hashes, so that any of their digits is as good as a die.
func Sampled(signalKey string) bool {
	if len(signalKey) < 4 {
		return false
	}
	n, err := strconv.ParseUint(signalKey[:4], 16, 16)
	return err == nil && n < 1<<16/100
}
