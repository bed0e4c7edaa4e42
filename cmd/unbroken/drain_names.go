package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/route53"
)

// namesArgs ask for a change of DNS by the control plane.
type namesArgs struct {
	ControlPlane string `name:"control-plane" placeholder:"DOMAIN" help:"The last resort: change the health check of DOMAIN, the loop's name, by Route 53's API in us-east-1."`
}

func (a namesArgs) asked() bool { return a.ControlPlane != "" }

// next is what is written down for the next person: the name that the region was taken out of. Every order carries on
// what the last one had; only a restore by the same way ends it, once Route 53 has done it.
func (a namesArgs) next(o region.Order, last string, done *dnsChange) string {
	switch {
	case !a.asked():
		return last
	case o == region.Drain:
		return a.ControlPlane
	case done.Error != "":
		return cmp.Or(last, a.ControlPlane)
	case last == a.ControlPlane:
		return ""
	default:
		return last
	}
}

// dnsChange is what became of it.
type dnsChange struct {
	Domain string `json:"domain"`
	route53.Change
	Error string `json:"error,omitempty"`
}

// names is what the commands ask of Route 53.
type names interface {
	Out(ctx context.Context, region string) (route53.Change, error)
	In(ctx context.Context, region string) (route53.Change, error)
}

// namesTimeout is for all of a change: two lists, a read and a write, in a control plane that may be ill.
const namesTimeout = 20 * time.Second

func (r *reach) flip(ctx context.Context, o order, name string) *dnsChange {
	ctx, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	d, err := &dnsChange{Domain: o.names.ControlPlane}, error(nil)
	if n := r.Names(d.Domain); o.Order == region.Drain {
		d.Change, err = n.Out(ctx, name)
	} else {
		d.Change, err = n.In(ctx, name)
	}
	if err != nil {
		d.Error = line(err.Error())
	}
	return d
}

func (d *dnsChange) print(w *world, name string) {
	if d.Error != "" {
		return // the command ends with it
	}
	_, _ = fmt.Fprintf(w.Stdout, "health check %s of %s in %s asks for %d healthy children of %d (it was %d); DNS follows within about a minute and the records' TTL\n",
		d.Check, name, line(d.Domain), d.Is, d.Children, d.Was)
	if d.Is > d.Children {
		_, _ = fmt.Fprintf(w.Stdout, "to undo it: unbroken restore %s --control-plane %s --reason …\n", name, line(d.Domain))
	}
}
