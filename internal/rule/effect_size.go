package rule

import "example.com/unbroken/internal/loop"

// checkEffect refuses an effect that its claim could not hold. A request and an output are each within their limit,
// but the claim is one item with both, and what DynamoDB refuses once it refuses at every retry. The length is that
// of the stored form without compression: every version and region must come to the same conclusion.
func checkEffect(e *loop.Effect) error {
	const worst = 6 // bytes that JSON may make of one
	if worst*rawSize(e) <= loop.MaxEffectBytes {
		return nil // almost every effect: no need to write it out only to measure it
	}
	b, err := loop.Marshal(e)
	if err != nil {
		return loop.Refuse(loop.CodeRenderFailed, "the effect cannot be written as JSON")
	}
	if len(b) > loop.MaxEffectBytes {
		return loop.Refuse(loop.CodeTooLarge, "request and output have %d bytes as they are stored; at most %d are allowed: send a reference instead of the data",
			len(b), loop.MaxEffectBytes)
	}
	return nil
}

// rawSize is the length of all that a signal can make longer, and room for the rest.
func rawSize(e *loop.Effect) int {
	const rest = 2048
	n := rest + len(e.Key) + len(e.Fence)
	if r := e.Request; r != nil {
		n += len(r.URL) + len(r.Body)
		for name, value := range r.Headers {
			n += len(name) + len(value)
		}
	}
	if o := e.Output; o != nil {
		n += len(o.Key) + len(o.Value)
	}
	for _, by := range e.InhibitedBy {
		n += len(by.Key)
	}
	if v := e.Verify; v != nil {
		for i := range v.Else {
			n += rawSize(&v.Else[i])
		}
	}
	if e.Fallback != nil {
		n += rawSize(e.Fallback)
	}
	return n
}
