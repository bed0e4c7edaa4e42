package sim

import (
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// Fault is one thing that goes wrong, from a row of FAULTS.md.
type Fault struct {
	Row    string // of FAULTS.md
	Kind   Kind
	Region string        // where; "" for everywhere
	At     time.Duration // from the start
	For    time.Duration // 0 for ever, where the kind lasts
	Point  Point         // at which call, where the kind strikes at one
	Nth    int           // the how manieth such call after At; from 1
	P      float64       // how often, where the kind strikes at random
	Mode   string        // of the kind
}

func (f Fault) String() string {
	s := fmt.Sprintf("row %-3s %-9s at %s", f.Row, f.Kind, f.At.Round(time.Millisecond))
	for _, part := range []struct {
		name  string
		value any
		given bool
	}{
		{"for", f.For, f.For != 0},
		{"in", f.Region, f.Region != ""},
		{"mode", f.Mode, f.Mode != ""},
		{"point", f.Point, f.Point != ""},
		{"nth", f.Nth, f.Nth != 0},
		{"p", f.P, f.P != 0},
	} {
		if part.given {
			s += fmt.Sprintf(" %s %v", part.name, part.value)
		}
	}
	return s
}

// lasting is the fault at another time.
func (f Fault) lasting(at, long time.Duration) Fault {
	f.At, f.For = at, long
	return f
}

// during says whether a fault that lasts is on.
func (f Fault) during(now time.Duration) bool { return now >= f.At && (f.For == 0 || now < f.At+f.For) }

// Kind is what a fault does.
type Kind string

// Kinds of faults.
const (
	Kill      Kind = "kill"      // the region is gone: at once, or at its Nth Point; mode `lost`: with its disks, for ever
	Crash     Kind = "crash"     // one invocation dies at the Nth Point; its message stays hidden
	Lost      Kind = "lost"      // answers of calls at Point are lost, each with probability P
	Fail      Kind = "fail"      // calls at Point fail without effect, each with probability P
	Pause     Kind = "pause"     // one invocation stands still at the Nth Point
	Cut       Kind = "cut"       // the region and the others do not reach each other; producers and targets reach all
	Stop      Kind = "stop"      // the event source mapping of queue Mode is off
	Bad       Kind = "bad"       // decide fails on every message
	Drain     Kind = "drain"     // a person takes the region out for new signals, and restores it
	Targets   Kind = "targets"   // requests go wrong in the way of Mode, each with probability P
	Unlinked  Kind = "unlinked"  // the table `outputs` is not replicated to and from the region
	Deploy    Kind = "deploy"    // the region runs the second bundle
	Doubled   Kind = "doubled"   // messages are delivered again, each with probability P; mode `often`: up to 10 times
	Reordered Kind = "reordered" // messages are delivered at random and up to a minute late

	// Of worlds with health.
	Observer Kind = "observer" // the observer in the region, or everywhere, is dead or lies, by Mode
	Mute     Kind = "mute"     // the region sends no canaries
	Deaf     Kind = "deaf"     // the region's ingest over HTTP fails on every request
	Blind    Kind = "blind"    // CloudWatch is down in the region
	Cached   Kind = "cached"   // producers go by what DNS said when it began
)

// Point is a kind of call, and the side of it, at which a fault strikes.
type Point string

// The six instants of FAULTS 37, and more.
const (
	BeforeStore   Point = "before-store"   // nothing is stored yet
	Before202     Point = "before-202"     // a copy is stored, the producer has no answer
	After202      Point = "after-202"      // the producer has its answer
	AfterDecide   Point = "after-decide"   // an effect is on `actions`
	AfterClaim    Point = "after-claim"    // the claim is opened
	AfterSend     Point = "after-send"     // the target has been called
	AfterCommit   Point = "after-commit"   // the claim is swapped
	AfterEntries  Point = "after-entries"  // window entries are stored
	AfterEpisode  Point = "after-episode"  // a transition is stored
	AfterOutput   Point = "after-output"   // an output is written
	BeforeSend    Point = "before-send"    // the claim is ours, the target has not been called
	BeforeCommit  Point = "before-commit"  // the target has answered
	BeforeEntries Point = "before-entries" // no window entry is stored
	AnyClaims     Point = "claims"         // any call of `claims`, episodes included
	AnyQueue      Point = "queue"          // any send to the region's queues
	PeerQueue     Point = "peer-queue"     // a send to another region's queues
	OwnSignals    Point = "own-signals"    // a send of ingest to its own region
)

// instants are the six of FAULTS 37.
func instants() []Point {
	return []Point{Before202, After202, AfterDecide, AfterClaim, AfterSend, AfterCommit}
}

// Service and method names of what no in-memory service announces.
const (
	opTarget = "target"
	opIngest = "ingest"
	opAck    = "Ack"
)

// at says whether a call is one of the point's.
func (p Point) at(op mem.Op, t *task) bool {
	after := op.When == mem.After
	switch p {
	case BeforeStore:
		return !after && t.what == loop.FuncIngestHTTP && op.Name == "Send"
	case Before202:
		return after && t.what == loop.FuncIngestHTTP && op.Name == "Send"
	case After202:
		return after && op.Service == opIngest
	case AfterDecide:
		return after && t.what == loop.FuncDecide && op.Name == "Send" && op.Key == loop.QueueActions
	case AfterClaim:
		return after && op.Service == "claims" && op.Name == "Open"
	case AfterSend, BeforeSend:
		return after == (p == AfterSend) && op.Service == opTarget
	case AfterCommit, BeforeCommit:
		return after == (p == AfterCommit) && op.Service == "claims" && op.Name == "Swap"
	case AfterEntries, BeforeEntries:
		return after == (p == AfterEntries) && op.Service == "windows" && op.Name == "Put"
	case AfterEpisode:
		return after && op.Service == "episodes" && op.Name == "Put"
	case AfterOutput:
		return after && op.Service == "outputs" && op.Name == "Write"
	case AnyClaims:
		return op.Service == "claims" || op.Service == "episodes"
	case AnyQueue:
		return op.Service == "queue" && op.Name == "Send"
	case PeerQueue:
		return op.Service == "queue" && op.Name == "Send" && op.From != op.Region
	case OwnSignals:
		return op.Service == "queue" && op.Name == "Send" && op.From == op.Region && t.what == loop.FuncIngestHTTP
	}
	return false
}
