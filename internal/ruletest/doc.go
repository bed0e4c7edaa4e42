// Package ruletest runs the tests of rules: given these signals at these times, expect these decisions.
//
//	file.go    a *.test.yaml becomes tests, every mistake in it with its line
//	run.go     a test's signals are played in virtual time, and its decisions gathered
//	match.go   expected against got, as a text in the manner of a diff
//	junit.go   results for a build server
//
// The decisions are made by the code that the functions run, through package backtest.
package ruletest
