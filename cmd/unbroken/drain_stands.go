package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// ordered is what became of an order.
type ordered struct {
	Region string `json:"region"`
	region.Entry
	Written   []string          `json:"written"` // the regions whose tables have it
	Failed    map[string]string `json:"failed,omitempty"`
	Unaudited map[string]string `json:"unaudited,omitempty"` // which have it, and not who gave it
	Stands    *region.Entry     `json:"stands,omitempty"`    // what the tables say instead of it
	Unread    string            `json:"unread,omitempty"`    // why it is not known what they say
	DNS       *dnsChange        `json:"dns,omitempty"`       // what was asked of Route 53's control plane
	taken     error             // nobody was left: what became of taking it back
}

// look says what stands once the order is written, and does what follows from it.
func (r *reach) look(ctx context.Context, out *ordered, o order, views map[string]region.View, now time.Time, spares bool) {
	if len(out.Written) == 0 {
		return
	}
	after, err := r.read(ctx, out.Written, r.operator())
	if err != nil {
		out.Unread = short(err)
		return
	}
	v, was := after[out.Region], views[out.Region].Now(now)
	// What is kept as it is may have flipped between the look and the write; a second flip is a dwell away.
	flip := v.Flip(now)
	between := !was.Pins() && flip.Since.After(was.Since) && flip.State != out.State
	if keeps := o.Order == region.Freeze || o.Order == region.Unfreeze; keeps && between {
		e := following(v, now, o.Order, flip.State)
		e.By, e.Why, e.After = out.By, out.Why, flip.Name()
		if flip.State == region.Drained {
			e.Drained = flip.Since
		}
		*out = r.everywhere(ctx, out.Region, e)
		return
	}
	stands := v.Now(now)
	if stands.Order != out.Order || !stands.Since.Equal(out.Since) || stands.By != out.By {
		out.Stands = &stands
		return
	}
	if between && !out.After.IsZero() { // it was to change nothing, and ended that flip: it is one, with a name of its own
		e := out.Entry
		e.Since, e.After, e.Drained = following(v, now, e.Order, e.State).Since, time.Time{}, time.Time{}
		*out = r.everywhere(ctx, out.Region, e)
	}
	others := loop.Peers(r.cfg.Regions.Loop, out.Region)
	if !spares || slices.ContainsFunc(others, func(other string) bool { return after[other].Now(now).State == region.Active }) {
		return
	}
	// Somebody drained the others at the same time.
	back := region.Restore
	switch {
	case was.Order == region.Freeze:
		back = region.Freeze
	case was.State == region.Drained: // by observers: theirs again
		back = region.Unfreeze
	}
	e := following(v, now, back, was.State)
	e.ControlPlane = views[out.Region].Order(now).ControlPlane // it was not asked yet
	e.By, e.Why = out.By, "taken back: "+strings.Join(others, ", ")+" drained at the same time"
	out.Stands, out.taken = &e, fail(exitProblem, fmt.Errorf("%s was drained at the same time, and nobody would take signals: the drain of %s was taken back, and it is %s as it was",
		strings.Join(others, ", "), out.Region, e.State))
	if back := r.everywhere(ctx, out.Region, e); len(back.Written) == 0 {
		out.taken = fail(exitUnreachable, fmt.Errorf("NOBODY TAKES SIGNALS: %s was drained at the same time, and the drain of %s could not be taken back: run unbroken restore %s",
			strings.Join(others, ", "), out.Region, out.Region))
	}
}

func (o ordered) print(w *world, asked order) {
	if len(o.Written) > 0 && o.Stands == nil {
		_, _ = fmt.Fprintf(w.Stdout, "%s is %s: %s by %s: %s\n", o.Region, o.State, o.Order, line(o.By), line(o.Why))
	}
	if o.Unread != "" {
		_, _ = fmt.Fprintf(w.Stderr, "unbroken: written, and not read again: unbroken status says what stands: %s\n", o.Unread)
	}
	for _, one := range o.lacks() {
		_, _ = fmt.Fprintln(w.Stderr, "unbroken: "+one)
	}
	if asked.force {
		_, _ = fmt.Fprintln(w.Stderr, "unbroken: --force: whether another region takes signals was not looked at")
	}
	if o.DNS != nil {
		o.DNS.print(w, o.Region)
	}
	if asked.Order == region.Restore && o.ControlPlane != "" {
		_, _ = fmt.Fprintf(w.Stderr, "unbroken: DNS still leaves %s out, by the control plane: run this again with --control-plane %s\n", o.Region, line(o.ControlPlane))
	}
}

// lacks tells of the tables that do not have the order, and of those that do not have who gave it.
func (o ordered) lacks() (list []string) {
	for _, table := range slices.Sorted(maps.Keys(o.Failed)) {
		list = append(list, fmt.Sprintf("not written to %s, which learns of it by replication: %s", table, o.Failed[table]))
	}
	for _, table := range slices.Sorted(maps.Keys(o.Unaudited)) {
		list = append(list, fmt.Sprintf("%s has the order and not its audit entry; write down who gave it and why: %s", table, o.Unaudited[table]))
	}
	return list
}

// failure is nil where all that was asked for was done somewhere, and stands.
func (o ordered) failure(asked order) error {
	switch {
	case len(o.Written) == 0:
		return fail(exitUnreachable, errors.New("no table could be written: run the command again"))
	case o.taken != nil:
		return o.taken
	case o.Stands != nil:
		return fail(exitProblem, fmt.Errorf("the order does not stand: %s is %s, by %s at %s (%s): look, and run the command again",
			o.Region, o.Stands.State, line(o.Stands.By), o.Stands.Since.Format(time.RFC3339), line(string(o.Stands.Order)+" "+o.Stands.Why)))
	case asked.names.asked() && o.DNS.Error != "":
		return fail(exitUnreachable, errors.New("Route 53's control plane did not do it: "+o.DNS.Error))
	}
	return nil
}
