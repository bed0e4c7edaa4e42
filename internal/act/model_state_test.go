package act_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// The state of the model is everything that its future depends on, and nothing else: what does not matter would make
// two states of one. What is left out, and why that is sound:
//
//   - Which region is which: they run the same code on the same messages, so a state and its mirror image have the
//     same future, mirrored.
//   - How long something is past: the stages compare deadlines and the like with now, and with the time at which a
//     worker received its message as long as it has not got its claim; expire_after is far beyond a run's time. For that
//     reason nothing asks how often an attempt failed, and backoff is constant here.
//   - Who an owner was that is not at work any more: owners are unique, so nobody will ever be equal to it.
//   - How great a token is: stages ask whether it is the first one, and whether it still is the stored one, and it
//     never falls.
//   - The words of evidence, but not whether a terminal claim has any.
//   - What lies on the queues of an effect whose claim is terminal, and what else is in that claim.
//   - Which of equal messages a worker has in hand.
//   - What a worker learnt before it sends, but for the claim that it holds; and everything, once it is through.

// memory is what a worker has learnt since it received its message: what its next steps depend on, besides the code.
type memory struct {
	owner   string
	receipt string
	message string
	at      time.Time // when it received the message
	claimed bool      // that time does not matter any more
	wanted  loop.Claim
	lessons []lesson
}

type lesson struct {
	what  string
	claim loop.Claim
}

func (m *memory) received(d mem.Delivery, at time.Time) {
	*m = memory{receipt: d.Receipt, message: shortBody(d.Body), at: at}
}

// wants is what it is about to write. Whoever takes over goes on with that claim, and knows whether the one before gave
// it back in order.
func (m *memory) wants(at string, c loop.Claim) {
	if at == "Swap" && !m.claimed && c.Status == loop.StatusClaimed && c.NotBefore.IsZero() {
		last := m.lessons[len(m.lessons)-1].claim
		m.lessons = []lesson{{what: fmt.Sprint("takes over, in order ", !last.NotBefore.IsZero())}}
	}
	if at != "Get" {
		m.wanted = c
	}
	m.lessons = append(m.lessons, lesson{at, c})
}

// sends keeps of the past what the rest of the pipeline still looks at: the claim as it was written.
func (m *memory) sends() { m.claimed, m.lessons = true, []lesson{{"holds", m.wanted}} }

func (m *model) learn(region, what string, c loop.Claim) {
	if !m.settled {
		m.memory[region].lessons = append(m.memory[region].lessons, lesson{what, c})
	}
}

// shortBody is what differs between the messages of a model.
func shortBody(body []byte) string { return gjson.GetBytes(body, "items.0.effect.id").Str }

func (m *model) state() []byte {
	claims, err := m.claims.All()
	if err != nil {
		panic(err) // the store wrote them itself
	}
	slices.SortFunc(claims, func(a, b loop.Claim) int { return strings.Compare(a.EffectID, b.EffectID) })
	return []byte(min(m.seenFrom(claims, "a", "b"), m.seenFrom(claims, "b", "a")))
}

// seenFrom prints the state with its regions in the given order and without their names.
func (m *model) seenFrom(claims []loop.Claim, regions ...string) string {
	var s strings.Builder
	fmt.Fprint(&s, m.target)
	for _, c := range claims {
		s.WriteString(m.show(c, claims, regions))
	}
	for _, region := range regions {
		var lying []string
		w, k := m.workers[region], m.memory[region]
		held := !w.Busy()
		for _, l := range m.queues.Lying(region, loop.QueueActions) {
			short := shortBody(l.Body)
			switch {
			case m.over(short):
			case !held && short == k.message: // any of equal ones: all are visible again when it is through
				held = true
			default:
				lying = append(lying, m.ahead(l.Visible)+" "+short)
			}
		}
		slices.Sort(lying)
		fmt.Fprintf(&s, "\n%q", lying)
		if !w.Busy() {
			continue
		}
		fmt.Fprintf(&s, " %s at %s", k.message, w.At())
		if w.At() == atAcknowledge {
			continue
		}
		if !k.claimed {
			s.WriteString(" received " + m.ahead(k.at))
		}
		for _, l := range k.lessons {
			s.WriteString("|" + l.what + m.show(l.claim, claims, regions))
		}
	}
	return s.String()
}

// show prints a claim, as it stands or as a worker knows it.
func (m *model) show(c loop.Claim, stored []loop.Claim, regions []string) string {
	switch {
	case c.EffectID == "":
		return ""
	case c.Status.Terminal():
		return fmt.Sprintf(" %s %s because %v;", c.EffectID, c.Status, c.Evidence != "")
	}
	who := "gone"
	for i, region := range regions {
		if k := m.memory[region]; m.workers[region].Busy() && k.owner == c.Owner { // it compares this time with its own
			who = fmt.Sprint(i, c.UpdatedAt.Equal(m.now), c.UpdatedAt.Equal(k.wanted.UpdatedAt))
		}
	}
	token := ""
	for _, s := range stored {
		if s.EffectID == c.EffectID {
			token = fmt.Sprint(" outdated ", c.Token < s.Token)
		}
	}
	return fmt.Sprintf(" %s by %s%s first %v until %s not before %s;", c.EffectID, who, token, c.Token == 1,
		m.ahead(c.Deadline, regions...), m.ahead(c.NotBefore, regions...))
}

// ahead is how far a time is ahead of now, and of when those received their message who still look for a claim.
func (m *model) ahead(t time.Time, regions ...string) string {
	if t.IsZero() {
		return "never"
	}
	text := after(t, m.now)
	for _, region := range regions {
		if w := m.workers[region]; w.Busy() && w.At() != atAcknowledge && !m.memory[region].claimed {
			text += "/" + after(t, m.memory[region].at)
		}
	}
	return text
}

func after(t, than time.Time) string {
	if t.Before(than) {
		return "past"
	}
	return t.Sub(than).String()
}

func (c *classTarget) String() string {
	known, flying := make([]string, 0, len(c.known)), make([]string, 0, len(c.flying))
	for id := range c.known {
		known = append(known, id)
	}
	for _, e := range c.flying {
		flying = append(flying, e.ID)
	}
	slices.Sort(known)
	slices.Sort(flying)
	return fmt.Sprint(c.applied, c.fence, known, flying, c.passed)
}
