package queue

import (
	"bytes"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

// Limits of one SendMessageBatch: ten entries, and 1 MiB for all bodies together, which is also the limit of a
// single message. System attributes such as the trace header do not count.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const (
	maxEntries    = 10
	maxBatchBytes = 1 << 20
)

// split packs the messages that have no error yet, in their order, into batches of indices.
func split(bodies []string, errs []error) (batches [][]int) {
	var batch []int
	size := 0
	for i, body := range bodies {
		if errs[i] != nil {
			continue
		}
		if len(batch) == maxEntries || len(batch) > 0 && size+len(body) > maxBatchBytes {
			batches, batch, size = append(batches, batch), nil, 0
		}
		batch, size = append(batch, i), size+len(body)
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// text makes a body that SQS stores unchanged. SQS keeps the characters of XML 1.0 only and silently replaces
// others. Of those, valid JSON holds U+FFFE and U+FFFF at most, within strings, where an escape means the same.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func text(body []byte) (string, error) {
	if !utf8.Valid(body) {
		return "", loop.Refuse(loop.CodeMalformed, "a message body is not UTF-8")
	}
	body = bytes.ReplaceAll(body, []byte("\uFFFE"), []byte(`\ufffe`))
	body = bytes.ReplaceAll(body, []byte("\uFFFF"), []byte(`\uffff`))
	switch {
	case len(body) == 0:
		return "", loop.Refuse(loop.CodeMalformed, "a message body is empty")
	case len(body) > maxBatchBytes:
		return "", loop.Refuse(loop.CodeTooLarge, "a message of %d bytes exceeds the queue's limit of %d", len(body), maxBatchBytes)
	}
	return string(body), nil
}

// maxGroupBytes is the longest MessageGroupId.
const maxGroupBytes = 128

// groupID brings a group's name into the allowed form: up to 128 of the printable ASCII characters without
// space. Two names that become the same share their fairness, nothing else.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html
func groupID(name string) string {
	id := []byte(name)
	for i, c := range id {
		if c <= ' ' || c > '~' {
			id[i] = '_'
		}
	}
	return string(id[:min(len(id), maxGroupBytes)])
}
