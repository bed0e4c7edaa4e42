package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

// print shows the status: a line per region, then what stands in it, then the observers, then what needs a person.
func (s *status) print(g *globals, w *world) error {
	if g.JSON {
		return printJSON(w.Stdout, s)
	}
	section := func(title string, rows [][]string) error {
		if len(rows) < 2 {
			return nil
		}
		_, _ = fmt.Fprintln(w.Stdout, title)
		t := newTable(w.Stdout)
		for _, r := range rows {
			t.row(r...)
		}
		return t.Flush()
	}
	endpoints := [][]string{{"REGION", "HEALTH", "TOOK", "ENDPOINT", ""}}
	queues := [][]string{{"REGION", "QUEUE", "WAITING", "IN FLIGHT", "DELAYED", "DEAD"}}
	functions := [][]string{{"REGION", "FUNCTION", "STATE", "FED BY"}}
	tables := [][]string{{"REGION", "TABLE", "STATE"}}
	regions := s.Regions
	if s.Witness != nil {
		regions = append(regions[:len(regions):len(regions)], *s.Witness)
	}
	for _, r := range regions {
		if e := r.Endpoint; e != nil {
			endpoints = append(endpoints, []string{r.Region, e.Health, cmp.Or(e.Took, "-"), cmp.Or(e.URL, "-"), line(e.Error)})
		}
		queues = append(queues, r.queueRows()...)
		for _, f := range r.Functions {
			functions = append(functions, []string{r.Region, f.Name, cmp.Or(f.State, f.Error, "-"), cmp.Or(strings.Join(f.Feeds, ","), "-")})
		}
		for _, t := range r.Tables {
			tables = append(tables, []string{r.Region, t.Name, cmp.Or(t.Status, t.Error)})
		}
	}
	for _, one := range []struct {
		title string
		rows  [][]string
	}{{"endpoints", endpoints}, {"queues", queues}, {"functions", functions}, {"tables", tables}, {"states", s.stateRows()}, {"observers", s.observerRows()}, {"inputs", s.inputRows()}} {
		if err := section(one.title, one.rows); err != nil {
			return err
		}
	}
	if len(s.Attention) == 0 {
		_, _ = fmt.Fprintln(w.Stdout, "nothing needs a person")
		return nil
	}
	_, _ = fmt.Fprintln(w.Stdout, "needs a person")
	for _, a := range s.Attention {
		_, _ = fmt.Fprintln(w.Stdout, "  "+line(a))
	}
	return nil
}

// queueRows puts a queue and its dead letters on one line.
func (r *regionStatus) queueRows() (rows [][]string) {
	dead := map[string]string{}
	for _, q := range r.Queues {
		dead[q.Name] = strconv.Itoa(q.Visible + q.InFlight)
		if q.Error != "" {
			dead[q.Name] = "?"
		}
	}
	for _, q := range r.Queues {
		switch {
		case isDeadLetter(q.Name):
		case q.Error != "":
			rows = append(rows, []string{r.Region, q.Name, "?", "?", "?", dead[loop.DeadLetter(q.Name)] + "  " + q.Error})
		default:
			rows = append(rows, []string{
				r.Region, q.Name, strconv.Itoa(q.Visible), strconv.Itoa(q.InFlight), strconv.Itoa(q.Delayed), dead[loop.DeadLetter(q.Name)],
			})
		}
	}
	return rows
}

func (s *status) observerRows() [][]string {
	rows := [][]string{{"OBSERVER", "ON", "VERDICT", "HEARD", "NOT OK"}}
	for _, o := range s.Observers {
		said := "objects"
		switch {
		case o.At.IsZero():
			said = "silent"
		case !region.IsFresh(s.At, o.At):
			said = "silent (stale)"
		case o.Healthy:
			said = "healthy"
		}
		rows = append(rows, []string{line(o.Observer), o.Region, said, age(s.At, o.At), cmp.Or(notOK(o.Bad), "-")})
	}
	return rows
}

// notOK gives the reason of what is bad; of what could not be seen the names say enough.
func notOK(checks []observe.Check) string {
	var bad, unseen []string
	for _, c := range checks {
		if c.State == observe.Bad {
			bad = append(bad, clip(c.Name+": "+cmp.Or(c.Detail, c.Value)))
		} else {
			unseen = append(unseen, line(c.Name))
		}
	}
	if len(unseen) > 0 {
		bad = append(bad, "not seen: "+strings.Join(unseen, ", "))
	}
	return strings.Join(bad, "; ")
}
