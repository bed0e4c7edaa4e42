package ingest

import (
	"context"
	"time"

	"example.com/unbroken/internal/loop"
)

// archiveGrace is how long an answer waits for the archive once the copies are stored. The queue of the own region
// answers sooner than a peer's does, so it is waited for at all only where something is wrong with it, or where there
// is no peer.
const archiveGrace = 50 * time.Millisecond

// archive sends the packs of an archived input to the archive's queue, beside the copies. A function takes it from
// there, many messages to an object; so ingest needs no other service than it has, and what S3 does is nobody's
// business here. nil where the input is not archived.
//
// Nobody waits for acceptance: what is refused afterwards may be in the archive, and again once it is accepted. Whoever
// reads an archive goes by source and id.
func (a *Acceptor) archive(ctx context.Context, input string, in loop.Input, packs []*pack) <-chan []error {
	if !in.Archive || len(packs) == 0 {
		return nil
	}
	stored := make(chan []error, 1)
	go func() { stored <- a.putInto(ctx, a.cfg.Region, loop.QueueArchive, input, packs, false, 0) }()
	return stored
}

// settle counts what the archive did not take in time. It changes no answer: a signal that is not archived is as well
// accepted as any.
func (a *Acceptor) settle(ctx context.Context, input string, packs []*pack, stored <-chan []error) {
	if stored == nil {
		return
	}
	grace := time.NewTimer(archiveGrace)
	defer grace.Stop()
	var errs []error
	select {
	case errs = <-stored:
	case <-grace.C:
		errs = fill(make([]error, len(packs)), errNotSent)
	}
	lost := 0
	for i, err := range errs {
		if err != nil {
			lost += len(packs[i].items)
		}
	}
	if lost > 0 {
		a.cfg.Observer.Unarchived(ctx, input, lost)
	}
}
