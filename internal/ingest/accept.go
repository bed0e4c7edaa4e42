package ingest

import (
	"context"
	"time"

	"example.com/unbroken/internal/loop"
)

// Queue stores messages durably in a region's queue, named without the deployment's prefix. It answers with one
// slot per message, nil where the message is stored. Splitting into requests is its own business.
type Queue interface {
	Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error
}

// Observer counts what ingest did. keys are signal keys, for the sampled ledger (promise P6); input is "" where
// the one that was asked for does not exist, so that nobody outside can name metrics.
type Observer interface {
	Accepted(ctx context.Context, input string, keys []string, copies int)
	Refused(ctx context.Context, input string, code loop.Code, n int)
	// Unarchived counts signals of an archived input that are not known to be in the archive.
	Unarchived(ctx context.Context, input string, n int)
}

type blind struct{}

func (blind) Accepted(context.Context, string, []string, int) {}
func (blind) Refused(context.Context, string, loop.Code, int) {}
func (blind) Unarchived(context.Context, string, int)         {}

// DefaultSendTimeout bounds one send, so that a peer that hangs costs a producer one second, not its patience.
const DefaultSendTimeout = time.Second

// Config is what ingest is wired with.
type Config struct {
	Region       string
	Peers        []string // get the standby copies, the next one if the one before cannot; none where there is one loop region
	Inputs       map[string]loop.Input
	StandbyDelay time.Duration
	SendTimeout  time.Duration // of one send; 0 means DefaultSendTimeout
	Mapper       Mapper        // of the inputs whose format is json
	Secrets      Secrets       // of the credentials
	Schemas      SchemaCheck   // of the inputs that have one
	Canaries     Canaries      // nil: none come in here
	Queue        Queue
	Observer     Observer // nil: nobody counts
	Now          func() time.Time
}

// SchemaCheck refuses a signal whose data is not what the schema of its input allows. Its errors are refusals.
type SchemaCheck = func(input string, s loop.Signal) error

// Acceptor stores signals in as many regions as their input asks for. Both ways in share it.
type Acceptor struct {
	cfg    Config
	quotas *quotas
}

// New makes an Acceptor.
func New(cfg Config) *Acceptor {
	if cfg.Observer == nil {
		cfg.Observer = blind{}
	}
	if cfg.SendTimeout <= 0 {
		cfg.SendTimeout = DefaultSendTimeout
	}
	return &Acceptor{cfg: cfg, quotas: newQuotas()}
}

// Arrival is a signal at the door. SentAt is when the producer handed it over, zero for now: a signal that
// waited in the inbox for two hours does not have a wrong clock.
type Arrival struct {
	Signal loop.Signal
	SentAt time.Time
}

// Result is what became of one arrival: stored in Copies regions, or refused (Err is a *loop.Refusal).
type Result struct {
	Key    string
	Copies int
	Err    error
}

// Accept stores the arrivals and answers for each, in their order. All of one call share one acceptedAt, and so
// do both copies of a signal, because silences, budgets and expiry are decided as of that instant: two copies
// with two stamps could be decided in two ways.
func (a *Acceptor) Accept(ctx context.Context, input string, arrivals []Arrival) []Result {
	now := a.cfg.Now().UTC().Round(0)
	results := make([]Result, len(arrivals))
	in, known := a.cfg.Inputs[input]
	var packs []*pack
	for i, arrival := range arrivals {
		results[i].Key = arrival.Signal.Key()
		if !known {
			results[i].Err = loop.Refuse(loop.CodeUnknownInput, "there is no such input")
			continue
		}
		if results[i].Err = checkSkew(arrival, in.MaxSkew.Std(), now); results[i].Err != nil {
			continue
		}
		if results[i].Err = a.checkData(input, in, arrival.Signal); results[i].Err != nil {
			continue
		}
		raw, err := arrival.Signal.MarshalJSON()
		if err != nil {
			results[i].Err = loop.Refuse(loop.CodeMalformed, "the event cannot be written as JSON")
			continue
		}
		packs = place(packs, i, loop.Item{AcceptedAt: now, Input: input, Signal: raw, Sampled: loop.Sampled(results[i].Key)})
	}
	archived := a.archive(ctx, input, in, packs)
	copies := a.store(ctx, input, in, packs)
	a.settle(ctx, input, packs, archived)
	for p, copies := range copies {
		for _, i := range packs[p].owners {
			if results[i].Copies = copies; copies == 0 {
				results[i].Err = loop.Refuse(loop.CodeUnavailable, "no durable copy could be written as this input requires; send it again, here or in another region, with the same id")
			}
		}
	}
	a.count(ctx, input, results)
	return results
}

// checkSkew compares the producer's clock with ours at the time of sending. Windows run on signal.time, so a
// clock that is a year ahead would hold a window open for a year (FAULTS 9).
func checkSkew(a Arrival, most time.Duration, now time.Time) error {
	if most == 0 || a.Signal.Time.IsZero() {
		return nil
	}
	sent := a.SentAt
	if sent.IsZero() {
		sent = now
	}
	if skew := a.Signal.Time.Sub(sent).Abs(); skew > most {
		return loop.Refuse(loop.CodeTimeOutOfRange, "time is %s away from when it was sent; this input allows %s (max_skew)", skew.Round(time.Second), most)
	}
	return nil
}

// checkData asks the input's schema. An input whose schema nobody can ask takes nothing: what it was to keep out would
// come in.
func (a *Acceptor) checkData(input string, in loop.Input, s loop.Signal) error {
	if in.Schema == nil {
		return nil
	}
	if a.cfg.Schemas == nil {
		return loop.Refuse(loop.CodeUnavailable, "this input's schema is not ready")
	}
	return a.cfg.Schemas(input, s)
}

// count reports accepted signals by their number of copies and refused ones by their code.
func (a *Acceptor) count(ctx context.Context, input string, results []Result) {
	keys := map[int][]string{}
	refused := map[loop.Code]int{}
	for _, r := range results {
		if r.Err != nil {
			refused[loop.CodeOf(r.Err)]++
		} else {
			keys[r.Copies] = append(keys[r.Copies], r.Key)
		}
	}
	for copies, k := range keys {
		a.cfg.Observer.Accepted(ctx, input, k, copies)
	}
	for code, n := range refused {
		a.refused(ctx, input, code, n)
	}
}

func (a *Acceptor) refused(ctx context.Context, input string, code loop.Code, n int) {
	if _, known := a.cfg.Inputs[input]; !known {
		input = ""
	}
	a.cfg.Observer.Refused(ctx, input, code, n)
}
