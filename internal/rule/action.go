package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"example.com/unbroken/internal/loop"
)

// action is an action of loop.yaml with its templates compiled, shared by all the steps that name it. Like a
// rule's expressions it is compiled on first use.
type action struct {
	name   string
	config loop.Action

	once sync.Once
	err  error

	spec    *spec     // nil for a webhook or an output
	url     *template // the resource, where there is a spec
	headers []header  // parameters and attributes, where there is a spec
	body    *template // nil for the default body
	output  *template
	value   *template // nil for `with`
}

type header struct {
	name  string
	value *template
}

// ready compiles the action once and answers with what was wrong then.
func (a *action) ready() error {
	a.once.Do(func() { a.err = errors.Join(a.compile()...) })
	return a.err
}

// compile compiles all templates and reports all problems, each with the field it is in.
func (a *action) compile() []error {
	var problems []error
	note := func(field string, err error) {
		if err != nil {
			problems = append(problems, &fieldError{field, err})
		}
	}
	var err error
	if a.config.To == loop.TargetWebhook {
		a.url, err = urlTemplate(a.config.URL)
		note("url", err)
		contentType := "application/json"
		for _, name := range sortedKeys(a.config.Headers) {
			value := a.config.Headers[name]
			t, err := textTemplate("headers."+name, value, scopeAction)
			note("headers."+name, err)
			a.headers = append(a.headers, header{strings.ToLower(name), t})
			if strings.EqualFold(name, "content-type") {
				contentType = value
			}
		}
		slices.SortFunc(a.headers, func(x, y header) int { return strings.Compare(x.name, y.name) })
		a.body, err = bodyTemplate(a.config.Body, contentType)
		note("body", err)
	} else if s, ok := specs()[a.config.To]; ok && s.method != "" {
		a.compileTarget(s, note)
	}
	if a.config.Output != "" {
		a.output, err = textTemplate("output", a.config.Output, scopeAction)
		note("output", err)
		if a.config.Value != nil {
			a.value, err = jsonTemplate("value", a.config.Value, scopeAction)
			note("value", err)
		}
	}
	return problems
}

// bodyTemplate compiles a body: a JSON value, unless the content type says that a text is just that.
func bodyTemplate(body any, contentType string) (*template, error) {
	if body == nil {
		return nil, nil
	}
	if s, ok := body.(string); ok && !strings.Contains(strings.ToLower(contentType), "json") {
		return textTemplate("body", s, scopeAction)
	}
	return jsonTemplate("body", body, scopeAction)
}

// step is a step of a rule: its action, and the template of its `with`.
type step struct {
	id       string
	action   *action
	with     *template
	fallback *step // the same step by another action; nil where there is none

	approval bool
}

func compileSteps(field string, steps []loop.Step, actions map[string]*action) ([]step, []error) {
	var problems []error
	compiled := make([]step, 0, len(steps))
	for i, s := range steps {
		at := fmt.Sprintf("%s[%d]", field, i)
		a, ok := actions[s.Action]
		if !ok {
			problems = append(problems, &fieldError{at + ".action", fmt.Errorf("no action is named %q", s.Action)})
			continue
		}
		with := s.With
		if with == nil {
			with = map[string]any{}
		}
		t, err := jsonTemplate("with", any(with), scopeStep)
		if err != nil {
			problems = append(problems, &fieldError{at + ".with", err})
			continue
		}
		compiled = append(compiled, step{id: stepID(s), action: a, with: t, approval: s.Approval == loop.ApprovalRequired, fallback: fallback(a, t, actions, len(actions))})
	}
	return compiled, problems
}

// fallback is the chain of actions behind a, which is no longer than there are actions.
func fallback(a *action, with *template, actions map[string]*action, longest int) *step {
	next, ok := actions[a.config.Fallback]
	if !ok || longest == 0 {
		return nil
	}
	return &step{action: next, with: with, fallback: fallback(next, with, actions, longest-1)}
}

// stepID is a step's id, which defaults to its action's name.
func stepID(s loop.Step) string {
	if s.Step != "" {
		return s.Step
	}
	return s.Action
}
