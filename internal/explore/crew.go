package explore

import (
	"fmt"
	"runtime"
)

// Crew is workers of which one moves at a time, from one Step to the next. Its methods but Step are for the
// world's own goroutine.
type Crew struct {
	arrived chan *Worker // a worker stands at a step, or is through
}

// Worker is one goroutine of the crew, together with those it starts.
type Worker struct {
	Name  string
	crew  *Crew
	on    chan bool // whether to go on; false: crash here
	at    string    // the step it stands at
	busy  bool
	crash bool
}

// NewCrew returns a crew without workers.
func NewCrew() *Crew { return &Crew{arrived: make(chan *Worker)} }

// Hire adds an idle worker.
func (c *Crew) Hire(name string) *Worker { return &Worker{Name: name, crew: c, on: make(chan bool)} }

// Start lets an idle worker do a job up to its first step. job is told at its end whether it crashed on the way,
// since what it called may have returned as if nothing were amiss.
func (w *Worker) Start(job func(crashed func() bool)) {
	w.busy, w.crash = true, false
	go func() {
		defer func() { w.busy, w.at = false, ""; w.crew.arrived <- w }()
		job(func() bool { return w.crash })
	}()
	<-w.crew.arrived
}

// Step is called by the worker, from whatever goroutine does its job: it stands here until Go or Crash.
func (w *Worker) Step(at string) {
	w.at = at
	w.crew.arrived <- w
	if !<-w.on {
		w.crash = true
		runtime.Goexit()
	}
}

// Busy says whether the worker stands at a step.
func (w *Worker) Busy() bool { return w.busy }

// At is the step it stands at.
func (w *Worker) At() string { return w.at }

// Go lets the worker move on to its next step, or to its end.
func (w *Worker) Go() { w.move(true) }

// Crash ends the worker where it stands.
func (w *Worker) Crash() { w.move(false) }

func (w *Worker) move(on bool) {
	if !w.busy {
		panic(fmt.Sprintf("explore: %s has nothing to do", w.Name))
	}
	w.on <- on
	<-w.crew.arrived
}

// String says where the worker stands.
func (w *Worker) String() string { return w.Name + " at " + w.at }
