// Package backtest decides recorded signals again, before a rule is deployed: with one set of rules or with two, whose
// decisions it compares. From left to right:
//
//	lines.go   a file of CloudEvents becomes records; the command line has others for CSV
//	merge.go   several files become one stream in order of event time
//	batch.go   records become the messages that decide takes, refused ones left out
//	side.go    one set of rules: decide.Handler, as in the Lambda, over state.go, with timers.go for what comes back
//	arrive.go  what act does that decisions follow from: inhibition, verification
//	run.go     batches on all cores, results in order
//	diff.go    the decisions of the two sides are paired
//	labels.go  decisions against labelled windows
//
// Nothing here decides anything: a rule that decides differently in a backtest than in production is a fault of this
// package's stores, which the conformance test compares with those of the simulator. It knows no clock and no AWS.
// What act does (silences, budgets, throttles) is not played: a backtest is about decisions, not about what landed.
package backtest
