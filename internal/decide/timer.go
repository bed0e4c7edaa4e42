package decide

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// A key of an `absent` rule has one timer under way. It stands `absent` after a signal of the key; when it comes and
// the key has spoken meanwhile, the next one stands `absent` after the newest signal before it. So a busy key costs one
// timer per `absent`, not one per signal. Which timers there are depends on the signals alone, not on who reads them
// when: both regions start the same ones, with the same ids, and of several with one id the first starts the next.
//
// What a standby copy starts is a standby's timer: it comes a standby delay later, when this region has its copies of
// all that was accepted before the silence was over. And what stands in the window has been through a region that
// sent its peer the timer: only who sees the signal first does. Of three regions one has no copies, and where it gets
// nothing replicated it would take its old entries for the key's last.

// timer is what is to be sent: to look at the key again at the clock's time fires, which is due in event time.
type timer struct {
	signal Entry // what the silence is counted from
	fires  time.Time
	by     *work // whose delivery starts it
	mirror bool  // nobody has sent it to a peer
}

// timers are those that the observations call for. known are the entries of the key without them, entries with
// them; both reach back to the signal before the first observation.
func timers(absent time.Duration, obs []observation, known, entries []Entry) (list []timer) {
	standing := map[string]bool{}
	for _, e := range known {
		standing[e.Pos.SignalKey] = e.Tick
	}
	for _, o := range obs {
		switch at := o.entry.Pos; {
		case !o.entry.Tick:
			if begins(absent, o.entry, entries) {
				_, stands := standing[at.SignalKey]
				list = append(list, timer{o.entry, o.work.item.AcceptedAt.Add(absent), o.work, !stands})
			}
		case !standing[at.SignalKey]: // one that stands already has started the next one
			newest, heard := newestBefore(entries, at)
			if wait := newest.Pos.Time.Add(absent).Sub(at.Time); heard && wait > 0 {
				list = append(list, timer{newest, o.work.item.AcceptedAt.Add(wait), o.work, true})
			}
		}
	}
	return list
}

// newestBefore is the newest signal of the key before a position.
func newestBefore(entries []Entry, at loop.Position) (newest Entry, heard bool) {
	for _, e := range entries {
		if !e.Tick && at.After(e.Pos) {
			newest, heard = e, true
		}
	}
	return newest, heard
}

// begins says whether no timer is under way that follows the signal: it is the first one for so long, or it is the
// only one that a tick has to go on from, and came too late for that tick.
func begins(absent time.Duration, signal Entry, entries []Entry) bool {
	before, heard := newestBefore(entries, signal.Pos)
	if !heard || signal.Pos.Time.Sub(before.Pos.Time) >= absent {
		return true
	}
	for _, e := range entries {
		if e.Tick && e.Pos.After(signal.Pos) {
			newest, _ := newestBefore(entries, e.Pos)
			return newest.Pos == signal.Pos
		}
	}
	return false
}

// start sends timers, here and to the peer where that is due: each once, however often the item is tried again after
// that.
func (k keeper) start(ctx context.Context, ref Ref, absent time.Duration, list []timer) error {
	sent := map[string]bool{}
	for _, t := range list {
		id, raw, err := silence(ref, absent, t.signal.Pos)
		if err != nil {
			return err
		}
		if sent[id] || t.by.began(id) {
			continue
		}
		sent[id] = true
		item := loop.Item{AcceptedAt: t.fires.UTC(), Input: loop.TimerSource, Signal: raw, Standby: t.by.item.Standby}
		if err := k.cfg.leg(ctx, k.cfg.Region, item); err != nil {
			return err
		}
		t.by.begun(id)
		if item.Standby = true; k.cfg.Peer != "" && t.mirror {
			k.mirror(ctx, item)
		}
	}
	return nil
}

// silence is the timer's signal, and its id: that the key has said nothing for so long since a signal.
func silence(ref Ref, absent time.Duration, since loop.Position) (id string, raw []byte, err error) {
	data, err := json.Marshal(loop.AbsentData{Rule: ref.RuleID, Since: since.Time})
	if err != nil {
		return "", nil, fmt.Errorf("encode timer of %s: %w", ref.RuleID, err)
	}
	id = loop.TimerID("absent", loop.SignalDecisionID(since.SignalKey, ref.RuleID), 0)
	raw, err = json.Marshal(loop.Signal{
		ID: id, Source: loop.TimerSource, Type: loop.TimerAbsent, Subject: ref.Key, Time: since.Time.Add(absent),
		Data: data, DataContentType: "application/json",
	})
	if err != nil {
		return "", nil, fmt.Errorf("encode timer of %s: %w", ref.RuleID, err)
	}
	return id, raw, nil
}

// peerTime bounds the send of a timer's copy.
const peerTime = time.Second

// mirror sends the peer its copy. A peer that cannot be reached must not stop the rule here: this region's own timer
// is stored, and the key's next signal sends both again.
func (k keeper) mirror(ctx context.Context, item loop.Item) {
	ctx, cancel := context.WithTimeout(ctx, peerTime)
	defer cancel()
	_ = k.cfg.leg(ctx, k.cfg.Peer, item)
}

// wait is how long a timer still has to travel. A timer is accepted when it fires.
func (c Config) wait(item loop.Item) time.Duration {
	at := item.AcceptedAt
	if item.Standby {
		at = at.Add(c.StandbyDelay)
	}
	return at.Sub(c.Now())
}

// leg sends a timer on its next leg.
func (c Config) leg(ctx context.Context, region string, item loop.Item) error {
	body, err := loop.Encode(item)
	if err != nil {
		return fmt.Errorf("encode timer: %w", err)
	}
	delay := max(min(c.wait(item), loop.MaxLeg), 0)
	for _, err := range c.Queue.Send(ctx, region, loop.QueueSignals, []loop.Outgoing{{Body: body, Delay: delay, Group: item.Input}}) {
		if err != nil {
			return fmt.Errorf("send timer to %s: %w", region, err)
		}
	}
	return nil
}

// isTimer says whether an item is a timer. It asks for the input, which is no name that a file could give one: of most
// signals nothing more is read than their type, and that once.
func isTimer(item loop.Item) bool { return item.Input == loop.TimerSource }

// tick makes a timer an observation of its rule's key. A rule that is gone, or is about something else now, has no
// use for it.
func tick(set *rule.Set, w *work, out *found) {
	event := rule.NewEvent(w.item.Signal, w.item.AcceptedAt)
	switch event.Type() {
	case loop.TimerVerify:
		checkOf(set, w, event, out)
		return
	case loop.TimerGroup:
		tickGroup(set, w, event, out)
		return
	}
	var data loop.AbsentData
	signal := struct{ Data *loop.AbsentData }{&data}
	if err := json.Unmarshal(w.item.Signal, &signal); err != nil || event.Type() != loop.TimerAbsent {
		out.unmatched++
		return
	}
	p, ok := set.Program(data.Rule)
	if !ok || p.Rule().Window == nil || p.Rule().Window.Absent == 0 {
		out.unmatched++
		return
	}
	out.observe(target{program: p, key: strings.Clone(event.Subject())}, observation{work: w, entry: Entry{Pos: event.Position(), Tick: true}})
}
