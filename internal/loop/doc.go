// Package loop is the domain of unbroken: what a signal, a rule, a decision, an effect, a claim and an
// outcome are, how they are named and how they travel between the stages.
//
// It knows no driver, no AWS, no clock and no goroutine, and imports the standard library only, so that
// every other package may depend on it.
package loop
