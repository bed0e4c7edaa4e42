// Package ingest is the way in: it turns what producers send, over HTTP or through the `inbox` queue, into
// signals that are durably stored, in two regions where the input says so, before anybody is told that they
// were accepted.
//
// A signal passes the files from left to right: http.go or queue.go takes it off the wire, auth.go says whose it is,
// a format_*.go makes events of the body, json.go and event.go say whether they are any, pack.go puts many into few
// messages, accept.go stores the copies and answer.go tells the producer what became of each.
//
// It must not know AWS, the rules, or what a signal means: queues are interfaces, HTTP is an http.Handler, and
// nothing here looks inside a signal's data.
package ingest
