package dynamo

import (
	"reflect"

	"example.com/unbroken/internal/loop"
)

func claimKey(effectID string) string { return "effect#" + effectID }

// claimItem is the stored form of a claim. Rule and action repeat what stands in the effect, for queries.
func claimItem(c loop.Claim) (item, error) {
	it := item{
		pk:       str(claimKey(c.EffectID)),
		"status": str(string(c.Status)), "owner": str(c.Owner), "token": num(c.Token), "attempt": num(int64(c.Attempt)),
		"evidence": str(c.Evidence), "rule": str(c.Effect.RuleID), "action": str(c.Effect.Action), "effectID": str(c.EffectID),
	}
	it.setTime("deadline", c.Deadline)
	it.setTime("notBefore", c.NotBefore)
	it.setTime("acceptedAt", c.AcceptedAt)
	it.setTime("updatedAt", c.UpdatedAt)
	it.setTime("renewedAt", c.RenewedAt)
	it.setTime("settledAt", c.SettledAt)
	if c.GivenUp {
		it["givenUp"] = str("true")
	}
	if c.Delivered {
		it["delivered"] = str("true")
	}
	if c.LetThrough {
		it["letThrough"] = str("true")
	}
	if c.ApprovedBy != "" {
		it["approvedBy"] = str(c.ApprovedBy)
	}
	if len(c.Audit) > 0 {
		if err := it.setJSON("audit", c.Audit); err != nil {
			return nil, err
		}
	}
	return it, it.setJSON("effect", c.Effect)
}

func readClaim(it item) (loop.Claim, error) {
	r := reader{item: it}
	c := loop.Claim{
		EffectID: r.str("effectID"), Status: loop.Status(r.str("status")), Owner: r.str("owner"), Token: r.num("token"),
		Deadline: r.time("deadline"), NotBefore: r.time("notBefore"), Attempt: int(r.num("attempt")),
		AcceptedAt: r.time("acceptedAt"), UpdatedAt: r.time("updatedAt"), Evidence: r.str("evidence"),
		RenewedAt: r.time("renewedAt"), SettledAt: r.time("settledAt"), ApprovedBy: r.str("approvedBy"), GivenUp: r.str("givenUp") != "",
		Delivered: r.str("delivered") != "", LetThrough: r.str("letThrough") != "",
	}
	r.json("audit", &c.Audit)
	r.json("effect", &c.Effect)
	return c, r.err
}

// sameWrite says whether two items came of one and the same write: the owner names one delivery of a message, and
// that delivery's writes differ from each other.
func sameWrite(a, b item) bool { return reflect.DeepEqual(a, b) }
