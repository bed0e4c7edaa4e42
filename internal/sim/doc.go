// Package sim runs the real handlers of three regions over in-memory services, on virtual time, and checks the
// promises of DESIGN section 1 on what they did. One seed gives one plan (which signals come, which faults strike) and
// one run, to the byte:
//
//	clock.go    virtual time and the tasks that share it, one running at a time
//	plan.go     a seed becomes signals (producer.go), orders of people (operator.go) and faults (draw.go, over the rows
//	            of docs/faults.md in fault.go)
//	rules.go    the loop.yaml of every world, compiled in bundles.go
//	world.go    services, regions, targets; region.go has the handlers and their pollers
//	network.go  every call of a service passes here: latency, crashes, cuts, lost answers, quorum
//	health.go   observers, canaries and deep health, where a plan has them; dns.go is where producers turn to
//	watch.go    what is judged while it happens: who sends under which claim, and after which order
//	check.go    the promises, in check_*.go, against an oracle (oracle.go) that knows signals and plan only
//	shrink.go   a plan that fails becomes a small one that fails
//
// A handler is suspended at every call it makes of a service, and the others go on meanwhile; so two regions race
// step by step, and a crash can strike between any two steps. The package is never in a function's binary.
package sim
