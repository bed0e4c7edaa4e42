package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// store writes the packs as the input demands and says for each in how many regions it is durable in the way
// that was promised; 0 means that its signals must be refused.
//
//	                      own ok     own failed
//	all   a peer ok         2          0
//	      all peers failed  0          0
//	any   a peer ok         2          1, sent to that peer again to act at once
//	      all peers failed  1          0
//
// A refused pack may still be durable somewhere: the producer sends it again, and equal ids collapse. The own queue
// and the first peer's are asked at once, other peers only for what that one did not take: a send's time each.
func (a *Acceptor) store(ctx context.Context, input string, in loop.Input, packs []*pack) []int {
	copies := make([]int, len(packs))
	if len(packs) == 0 {
		return copies
	}
	if in.Durability == loop.Regional || len(a.cfg.Peers) == 0 {
		for i, err := range a.put(ctx, a.cfg.Region, input, packs, false, 0) {
			if err == nil {
				copies[i] = 1
			}
		}
		return copies
	}

	theirs := make(chan []error, 1)
	go func() {
		theirs <- a.put(ctx, a.cfg.Peers[0], input, packs, true, a.cfg.StandbyDelay)
	}()
	own := a.put(ctx, a.cfg.Region, input, packs, false, 0)
	lenient := in.Policy == loop.PolicyAny
	holders := a.holders(ctx, input, packs, <-theirs, func(i int) bool { return lenient || own[i] == nil })

	alone := map[string][]*pack{}
	for i, holder := range holders {
		switch {
		case own[i] == nil && holder != "":
			copies[i] = 2
		case !lenient || own[i] != nil && holder == "":
			copies[i] = 0
		case own[i] == nil:
			copies[i] = 1
		default:
			copies[i] = 1
			alone[holder] = append(alone[holder], packs[i])
		}
	}
	for _, peer := range a.cfg.Peers {
		// Only this peer has these, and it would wait for a region that never got them. Should this send fail
		// too, the delayed copy is still durable and acts after the standby delay, so its slots are not read.
		if len(alone[peer]) > 0 {
			a.put(ctx, peer, input, alone[peer], false, 0)
		}
	}
	return copies
}

// holders says which peer keeps the standby copy of each pack; "" for none. first is what the first peer answered,
// and the others are asked for what it did not take, if wanted.
func (a *Acceptor) holders(ctx context.Context, input string, packs []*pack, first []error, wanted func(int) bool) []string {
	holders := make([]string, len(packs))
	answer, asked := first, make([]int, len(packs))
	for i := range asked {
		asked[i] = i
	}
	for n, peer := range a.cfg.Peers {
		if n > 0 {
			these := make([]*pack, len(asked))
			for k, i := range asked {
				these[k] = packs[i]
			}
			answer = a.put(ctx, peer, input, these, true, a.cfg.StandbyDelay)
		}
		var open []int
		for k, i := range asked {
			if answer[k] == nil {
				holders[i] = peer
			} else if wanted(i) {
				open = append(open, i)
			}
		}
		if asked = open; len(asked) == 0 {
			break
		}
	}
	return holders
}

// put sends the packs to a region's `signals` queue and says for each whether it is stored.
func (a *Acceptor) put(ctx context.Context, region, input string, packs []*pack, standby bool, delay time.Duration) []error {
	return a.putInto(ctx, region, loop.QueueSignals, input, packs, standby, delay)
}

func (a *Acceptor) putInto(ctx context.Context, region, queue, input string, packs []*pack, standby bool, delay time.Duration) []error {
	msgs := make([]loop.Outgoing, len(packs))
	for i, p := range packs {
		m, err := p.message(input, standby)
		if err != nil {
			return fill(make([]error, len(packs)), fmt.Errorf("encode signals: %w", err))
		}
		m.Delay = delay
		msgs[i] = m
	}
	return a.send(ctx, region, queue, msgs)
}

var errNotSent = errors.New("the queue did not answer for this message")

// send is one bounded send. It does not trust the queue to watch its context: a call that hangs is left behind,
// and its late success is harmless, because nobody was told of it and equal ids collapse.
func (a *Acceptor) send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.SendTimeout)
	defer cancel()
	errs := fill(make([]error, len(msgs)), errNotSent)
	answer := make(chan []error, 1)
	go func() { answer <- a.cfg.Queue.Send(ctx, region, queue, msgs) }()
	select {
	case got := <-answer:
		copy(errs, got)
	case <-ctx.Done():
		fill(errs, fmt.Errorf("send to %s in %s: %w", queue, region, context.Cause(ctx)))
	}
	return errs
}

func fill(errs []error, err error) []error {
	for i := range errs {
		errs[i] = err
	}
	return errs
}
