package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// drillPhase is what producers saw in a part of a drill.
type drillPhase struct {
	Sent    int           `json:"sent"`
	Failed  int           `json:"failed"` // not accepted by any region within 3 s
	Slowest loop.Duration `json:"slowest"`
}

// drillReport is what a drill measured. Times count from the order; nil is never.
type drillReport struct {
	Region     string                   `json:"region"`
	By         string                   `json:"by"`
	Began      time.Time                `json:"began"`
	Before     drillPhase               `json:"before"`
	Drained    drillPhase               `json:"drained"`
	After      drillPhase               `json:"after"`
	HealthOut  *loop.Duration           `json:"healthOut,omitempty"`  // health answered 503
	HealthBack *loop.Duration           `json:"healthBack,omitempty"` // and 200 again
	DNSOut     *loop.Duration           `json:"dnsOut,omitempty"`     // DNS answered without the region
	DNSBack    *loop.Duration           `json:"dnsBack,omitempty"`    // and with it again
	Backlog    int                      `json:"backlog"`              // the most that could be received from its queues
	Left       int                      `json:"left"`                 // and at the end
	Receipts   map[string]loop.Duration `json:"receipts"`             // the greatest age of the receipt of each canary, by region/kind
	Aborted    string                   `json:"aborted,omitempty"`
	Findings   []string                 `json:"findings,omitempty"` // what was not as it should be
	domain     bool                     // DNS was asked
}

// What a drill must show (DESIGN, P3).
const (
	drillGap     = time.Second
	drillOut     = 5 * time.Second
	drillDNS     = (45 + 60) * time.Second
	drillReceipt = loop.CanaryKeep
)

// judge finds what was not as it should be. drained is for how long the region was.
func (r *drillReport) judge(wasAnswered bool, drained time.Duration) {
	find := func(bad bool, format string, args ...any) {
		if bad {
			r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
		}
	}
	for _, p := range []drillPhase{r.Drained, r.After} {
		find(p.Failed > 0, "%d of %d signals were not accepted by any region", p.Failed, p.Sent)
		find(p.Slowest.Std() > drillGap, "a producer waited %s", p.Slowest)
	}
	find(later(r.HealthOut, drillOut), "health did not answer 503 within %s", drillOut)
	find(r.Aborted == "" && later(r.HealthBack, drillAfter), "health did not answer 200 within %s", drillAfter)
	find(r.domain && !wasAnswered, "DNS did not answer with %s before the drill, so that its leaving was not seen", r.Region)
	find(wasAnswered && r.DNSOut == nil && drained < drillDNS, "not long enough to tell whether DNS leaves %s out: it had not after %s, and may take %s", r.Region, drained, drillDNS)
	find(wasAnswered && (r.DNSOut != nil || drained >= drillDNS) && later(r.DNSOut, drillDNS), "DNS did not leave %s out within %s", r.Region, drillDNS)
	if r.Aborted == "" && r.DNSOut != nil && r.HealthBack != nil {
		find(later(r.DNSBack, r.HealthBack.Std()+drillDNS), "DNS did not answer with %s again within %s of its health", r.Region, drillDNS)
	}
	for _, of := range slices.Sorted(maps.Keys(r.Receipts)) {
		find(r.Receipts[of].Std() > drillReceipt, "the canary %s left no receipt for %s", of, r.Receipts[of])
	}
}

func later(seen *loop.Duration, limit time.Duration) bool { return seen == nil || seen.Std() > limit }

func (r *drillReport) print(g *globals, w *world) error {
	if g.JSON {
		if err := printJSON(w.Stdout, r); err != nil {
			return err
		}
		return r.failure(errSilent)
	}
	_, _ = fmt.Fprintf(w.Stdout, "drill of %s by %s\n", r.Region, line(r.By))
	t := newTable(w.Stdout)
	t.row("", "SENT", "NOT ACCEPTED", "SLOWEST")
	for _, p := range []struct {
		name string
		drillPhase
	}{{"before", r.Before}, {"drained", r.Drained}, {"after", r.After}} {
		t.row(p.name, fmt.Sprint(p.Sent), fmt.Sprint(p.Failed), p.Slowest.String())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	t = newTable(w.Stdout)
	t.row("health answered 503", seenAfter(r.HealthOut))
	t.row("health answered 200", seenAfter(r.HealthBack))
	if r.domain {
		t.row("DNS left it out", seenAfter(r.DNSOut))
		t.row("DNS answered it again", seenAfter(r.DNSBack))
	}
	t.row("its queues held at most", fmt.Sprintf("%d, at the end %d", r.Backlog, r.Left))
	for _, of := range slices.Sorted(maps.Keys(r.Receipts)) {
		t.row("oldest receipt of "+of, r.Receipts[of].String())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range r.Findings {
		_, _ = fmt.Fprintln(w.Stdout, "! "+f)
	}
	return r.failure(errors.New("not all was as it should be"))
}

func (r *drillReport) failure(err error) error {
	switch {
	case r.Aborted != "":
		return fail(exitProblem, errors.New("aborted, and the region restored: "+r.Aborted))
	case len(r.Findings) > 0:
		return fail(exitProblem, err)
	}
	return nil
}

func seenAfter(d *loop.Duration) string {
	if d == nil {
		return "not seen"
	}
	return "after " + d.String()
}
