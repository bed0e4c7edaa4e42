package main

import (
	"context"

	"example.com/unbroken/internal/region"
)

type drainCmd struct {
	orderArgs
	namesArgs
	Force bool `help:"Drain it although no other region answers: then nobody takes signals."`
}

// Help implements kong.HelpProvider.
func (drainCmd) Help() string {
	return `Within seconds the region answers 503 to producers and health checks, and DNS leaves it out with its next checks: three
of ten seconds, then the records' TTL. What is in its queues goes on. It stays so until unbroken restore, whatever the
observers find. The order is written into the table of every loop region that answers; nothing depends on a control
plane. Run again, the command changes nothing but the reason: the region has been drained since it was, and is salvaged.

Refused unless another region is active and its health answers 200; and taken back if, once it is written, all others turn
out to have been drained at the same time. With --force the region is drained all the same: every
region answers 503 then, DNS answers all of them, and signals stay with their producers until unbroken restore.

An order comes after all that the tables know, though this machine's clock be somewhat behind. It is refused where two
observers' verdicts are 1m30s ahead of that clock, or all are more than 2m30s behind it; where no observer runs, and the
clock is right, --trust-clock orders it. It is refused, too, where another person orders something while health, or
Route 53, is asked. Once written, the tables are read again: what the command prints is what stands.

The last resort, where the region goes on answering 200 or no table can be written: --control-plane DOMAIN takes it out of
DNS, too, by asking its health check of DOMAIN for more healthy children than it has. No record is changed. This depends on Route 53's API, which is
in us-east-1 alone, and the caller needs route53:ListHostedZonesByName, ListResourceRecordSets, GetHealthCheck and
UpdateHealthCheck. Undo it with unbroken restore REGION --control-plane DOMAIN; a deployment does not.

Exits 1 if it was refused or taken back, or another order stands; 4 if no table could be written, or the control plane did
not do it.

  unbroken drain us-west-2 --reason "maintenance of the network"
  unbroken drain us-west-2 --reason "it lies" --control-plane loop.example.com`
}

// Run implements the command.
func (c drainCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, order{region.Drain, c.namesArgs, c.Force})
}

type restoreCmd struct {
	orderArgs
	namesArgs
}

// Help implements kong.HelpProvider.
func (restoreCmd) Help() string {
	return `The region takes signals again at once, whoever drained it. From then on the observers judge it as ever: if two object
for longer than the dwell (5 minutes), they drain it again; unbroken freeze keeps them from it. What was taken out of DNS
with --control-plane comes back with the same flag only; until then this command and unbroken status say so. Route 53 is
asked first, and whether it did it or not, the region is restored, unless another person has ordered something meanwhile.

  unbroken restore us-west-2 --reason "the network is well"`
}

// Run implements the command.
func (c restoreCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, order{region.Restore, c.namesArgs, false})
}

type freezeCmd struct{ orderArgs }

// Help implements kong.HelpProvider.
func (freezeCmd) Help() string {
	return `The region stays what it is, active or drained, until unbroken unfreeze, drain or restore. Observers go on telling, and
their objections page. One that is drained still takes signals while no other region can. Health checks still leave the region
out of DNS while its endpoint or its canary fails. What a person drained is held by that: then nothing is written.

  unbroken freeze us-west-2 --reason "deploying; it will blink"`
}

// Run implements the command.
func (c freezeCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, order{Order: region.Freeze})
}

type unfreezeCmd struct{ orderArgs }

// Help implements kong.HelpProvider.
func (unfreezeCmd) Help() string {
	return `The observers judge the region again, after the dwell that follows every order. Refused for a region that a person drained:
that is ended by unbroken restore.

  unbroken unfreeze us-west-2 --reason "deployed"`
}

// Run implements the command.
func (c unfreezeCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, order{Order: region.Unfreeze})
}
