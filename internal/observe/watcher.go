package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Records are JSON records that all regions see alike, in `claims`.
type Records interface {
	// Load reads a record and its revision; nil and 0 where there is none.
	Load(ctx context.Context, key string) (doc json.RawMessage, rev int64, err error)
	// Store writes a record if the one that stands has revision standing, 0 for none; otherwise loop.ErrConflict.
	Store(ctx context.Context, key string, doc any, standing int64) error
}

// Queue sends messages.
type Queue interface {
	Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error
}

// WatchRecorder counts what the watcher sees.
type WatchRecorder interface {
	// Watched is called once a run and input, of several at once. changed says that this run switched.
	Watched(ctx context.Context, w loop.Watched, standby string, changed bool)
}

// Watcher looks, in every loop region, whether the inputs that should be heard are. Any one of them is enough, and
// several do no harm: the record decides who switches, and the signal about a switch has the same id from everybody.
type Watcher struct {
	Region       string
	Peer         string // gets the copy of the signal; "" where there is one loop region
	StandbyDelay time.Duration
	Regions      []string // of the loop
	Inputs       map[string]loop.Input
	Docs         Documents
	Records      Records
	Queue        Queue
	Recorder     WatchRecorder
	Now          func() time.Time
}

// atOnce bounds how many inputs are looked at at the same time. Each waits for a region that swallows packets, for twice
// patience at least, and all of them with the rest of a run have the function's 50 s.
const atOnce = 50

// Run looks at every input that is to be watched; what fails of one does not keep the others.
func (w *Watcher) Run(ctx context.Context) error {
	inputs := w.watched()
	errs := make([]error, len(inputs))
	var eg errgroup.Group
	eg.SetLimit(atOnce)
	for i, input := range inputs {
		eg.Go(func() error {
			if err := w.look(ctx, input, w.Inputs[input]); err != nil {
				errs[i] = fmt.Errorf("watch input %s: %w", input, err)
			}
			return nil
		})
	}
	_ = eg.Wait() // each keeps its error in its own slot
	return errors.Join(errs...)
}

func (w *Watcher) watched() (inputs []string) {
	for name, in := range w.Inputs {
		if in.ExpectEvery > 0 {
			inputs = append(inputs, name)
		}
	}
	slices.Sort(inputs)
	return inputs
}

func (w *Watcher) look(ctx context.Context, input string, in loop.Input) error {
	heard, err := w.heard(ctx, input)
	if err != nil {
		return err // missing data is no silence
	}
	key := loop.WatchedKey(input)
	raw, rev, err := w.load(ctx, key)
	if err != nil {
		return err
	}
	before := loop.Watched{Input: input}
	if raw != nil {
		if err := json.Unmarshal(raw, &before); err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
	}
	expected := Expectation{Every: in.ExpectEvery.Std(), Each: in.ExpectIn == loop.ExpectEach, Regions: w.Regions}
	after := Judge(before, expected, heard, w.Now().UTC().Round(0))
	if !reflect.DeepEqual(before, after) {
		switch err := w.store(ctx, key, after, rev); {
		case errors.Is(err, loop.ErrConflict):
			return nil // another observer looked at the same time; it tells, too
		case err != nil:
			return err
		}
		rev++
	}
	w.Recorder.Watched(ctx, after, in.Standby, after.N != before.N)
	if !after.Pending {
		return nil
	}
	if err := w.tell(ctx, after, in); err != nil {
		return err // the next run tells
	}
	after.Pending = false
	if err := w.store(ctx, key, after, rev); err != nil && !errors.Is(err, loop.ErrConflict) {
		return err // told again by the next run, with the same id
	}
	return nil
}

// heard reads every region's note. A region's own table has the newest; where it does not answer, another's has what
// was replicated. Nothing at all from any table is an error, and so is a note that is there and that none has in a form that
// can be read: when it was heard is not known.
func (w *Watcher) heard(ctx context.Context, input string) (map[string]time.Time, error) {
	docs, errs := make([]map[string]json.RawMessage, len(w.Regions)), make([]error, len(w.Regions))
	var eg errgroup.Group
	for i, region := range w.Regions {
		eg.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			docs[i], errs[i] = w.Docs.Query(ctx, region, loop.HeardKey(input))
			return nil
		})
	}
	_ = eg.Wait() // each keeps its error in its own slot
	heard, unread := map[string]time.Time{}, map[string]error{}
	answered := false
	for i := range w.Regions {
		answered = answered || errs[i] == nil
		for region, raw := range docs[i] {
			var note loop.Heard
			if err := json.Unmarshal(raw, &note); err != nil {
				unread[region] = fmt.Errorf("the note of %s in %s cannot be read: %w", region, w.Regions[i], err)
			} else if note.At.After(heard[region]) {
				heard[region] = note.At
			}
		}
	}
	if !answered {
		return nil, errors.Join(errs...)
	}
	for region, err := range unread {
		if heard[region].IsZero() {
			return nil, err
		}
	}
	return heard, nil
}

// tell sends the signal about the last switch, as one that was accepted then: whoever sends it again sends the same.
func (w *Watcher) tell(ctx context.Context, after loop.Watched, in loop.Input) error {
	raw, err := switchSignal(after, in).MarshalJSON()
	if err != nil {
		return fmt.Errorf("encode the switch: %w", err)
	}
	item := loop.Item{AcceptedAt: after.Since, Input: after.Input, Signal: raw}
	own := w.send(ctx, w.Region, item, 0)
	if w.Peer == "" {
		return own
	}
	item.Standby = true
	if peer := w.send(ctx, w.Peer, item, w.StandbyDelay); own != nil && peer != nil {
		return errors.Join(own, peer)
	}
	return nil
}

func (w *Watcher) send(ctx context.Context, region string, item loop.Item, delay time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := loop.Encode(item)
	if err != nil {
		return fmt.Errorf("encode the switch: %w", err)
	}
	if err := w.Queue.Send(ctx, region, loop.QueueSignals, []loop.Outgoing{{Body: body, Delay: delay, Group: item.Input}})[0]; err != nil {
		return fmt.Errorf("tell %s of the switch: %w", region, err)
	}
	return nil
}

func switchSignal(w loop.Watched, in loop.Input) loop.Signal {
	typ := loop.TypeInputRecovered
	if w.Stalled {
		typ = loop.TypeInputStalled
	}
	data, err := loop.Marshal(map[string]any{
		"input": w.Input, "standby": in.Standby, "silent": append([]string{}, w.Silent...), "expect_every": in.ExpectEvery.String(),
	})
	if err != nil {
		panic(err) // text always encodes
	}
	return loop.Signal{
		ID: fmt.Sprintf("%s/%d", w.Input, w.N), Source: loop.WatcherSource, Type: typ, Subject: w.Input, Time: w.Since,
		DataContentType: "application/json", Data: data,
	}
}

func (w *Watcher) load(ctx context.Context, key string) (json.RawMessage, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.Records.Load(ctx, key)
}

func (w *Watcher) store(ctx context.Context, key string, doc any, rev int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.Records.Store(ctx, key, doc, rev)
}
