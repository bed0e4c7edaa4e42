package loop

import (
	"slices"
	"time"
)

// Audit is one thing that a person did to a claim.
type Audit struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
}

// MaxAudit bounds what a claim remembers of it; the oldest entries go first.
const MaxAudit = 20

// maxAuditText bounds one text of an entry: a claim is one item of a table, and its request may be large already.
const maxAuditText = 300

// since is from when expire_after counts: the acceptance or, where a person reopened the claim, that moment. The time
// parked does not count, or a claim parked over a weekend could only be reopened to expire.
func (c Claim) since() time.Time {
	if c.RenewedAt.After(c.AcceptedAt) {
		return c.RenewedAt
	}
	return c.AcceptedAt
}

// HorizonEnds is when the target may have forgotten the effect's idempotency key. A person who reopens a claim has
// seen that no earlier attempt was applied, so that it counts anew from there; one who renews a message has not.
func (c Claim) HorizonEnds() time.Time {
	from := c.AcceptedAt
	if c.SettledAt.After(from) {
		from = c.SettledAt
	}
	return from.Add(c.Effect.Horizon.Std())
}

// Reopened is the parked claim c as a person hands it back to act: free to be taken over at once, with a token that
// fences out whoever still holds an older one, and with an expire_after that counts from now. NotBefore is set
// because a claim without one looks like that of a holder who vanished, whose attempt may have been applied; the
// person has looked, so nobody needs to guess.
func (c Claim) Reopened(now time.Time, by, why string) Claim {
	now = now.UTC()
	c.Status, c.Owner, c.Token = StatusClaimed, "operator", c.Token+1
	c.Deadline, c.NotBefore, c.RenewedAt, c.SettledAt, c.UpdatedAt = now, now, now, now, now
	c.GivenUp = false
	c.Audit = noted(c.Audit, Audit{At: now, By: by, What: "retry: " + why})
	return c
}

// WaitsForApproval says whether the claim is parked for the one reason that nobody approved it yet. Nothing was sent.
func (c Claim) WaitsForApproval() bool {
	return c.Status == StatusParked && c.Effect.Approval && c.ApprovedBy == ""
}

// Approved is the claim c, which waits for it, as a person approves it: reopened, and not asked about again.
func (c Claim) Approved(now time.Time, by, why string) Claim {
	audit := c.Audit
	c = c.Reopened(now, by, why)
	c.ApprovedBy = cut(by)
	c.Audit = noted(audit, Audit{At: now.UTC(), By: by, What: "approved: " + why})
	return c
}

// Renewed is the claim c, which nobody holds any more, as a person redrives its message with a new acceptance: its
// expire_after counts from now. The token fences out a holder that wakes; whether that one's attempt was applied stays
// as unknown as it was.
func (c Claim) Renewed(now time.Time, by, why string) Claim {
	now = now.UTC()
	c.Token, c.RenewedAt, c.UpdatedAt = c.Token+1, now, now
	c.Audit = noted(c.Audit, Audit{At: now, By: by, What: "renewed by a redrive: " + why})
	return c
}

// Settled is the parked claim c as a person ends it without another attempt: StatusSuppressed where nothing is to
// happen any more, StatusDone where the person saw that the target has it.
func (c Claim) Settled(status Status, now time.Time, by, why string) Claim {
	now = now.UTC()
	what := "discarded"
	if status == StatusDone {
		what = "found done"
	}
	c.Status, c.Token, c.UpdatedAt = status, c.Token+1, now
	c.Evidence = what + " by " + cut(by) + ": " + cut(why) + "; it was parked because: " + cut(c.Evidence)
	c.Audit = noted(c.Audit, Audit{At: now, By: by, What: what + ": " + why})
	return c
}

// noted returns a new list, so that two claims never share one.
func noted(all []Audit, a Audit) []Audit {
	a.By, a.What = cut(a.By), cut(a.What)
	all = append(slices.Clone(all), a)
	return all[max(len(all)-MaxAudit, 0):]
}

// cut shortens a text without splitting a character.
func cut(s string) string {
	if len(s) <= maxAuditText {
		return s
	}
	end := maxAuditText
	for end > 0 && s[end]&0xC0 == 0x80 { // a continuation byte of UTF-8
		end--
	}
	return s[:end] + "…"
}
