// Package archive keeps what came in, for backtests and replays: one gzip-compressed object of JSON lines per batch of
// messages, by region, input and hour.
//
//	archive/{region}/{input}/2026/01/02/15/0405.678901234-{hash}.jsonl.gz
//
// It stands beside the chain: ingest sends what it accepts to a queue of the archive's own, and nothing waits for what
// happens here. A line is the signal as it travels; one without a time has that of its acceptance, which is what it was
// decided by. What was delivered or accepted twice may stand there twice: source and id tell.
//
// It knows no AWS and no clock.
package archive
