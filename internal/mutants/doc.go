// Package mutants removes guards from the production code, one at a time, and shows that a test notices. A mutant is
// a piece of source and what stands in its place; the tests run on it through the build's overlay, so that no file
// of the project is touched and production code knows nothing of it. `make mutants` runs all of them and writes
// docs/mutants.md; every other test run checks that each piece of source still stands where the table says.
//
// The simulator has mutants of its own (internal/sim), which break the world around the code.
package mutants
