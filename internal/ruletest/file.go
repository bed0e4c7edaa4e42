package ruletest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// Test is one test of a file.
type Test struct {
	Name    string     `yaml:"name"`
	Start   string     `yaml:"start"` // RFC 3339; Epoch where it is not given
	Rules   []string   `yaml:"rules"` // whose decisions count; all where none is named
	Signals []Signal   `yaml:"signals"`
	Until   offset     `yaml:"until"` // how long to go on after the start, for what time alone decides
	Expect  []Expected `yaml:"expect"`

	File  string    `yaml:"-"`
	Line  int       `yaml:"-"`
	start time.Time // parsed
}

// Signal is one signal of a test.
type Signal struct {
	At         offset            `yaml:"at"`   // when it arrives, from the start
	Time       *offset           `yaml:"time"` // its event time, where it comes late
	Type       string            `yaml:"type"`
	Source     string            `yaml:"source"` // "test" where not given
	ID         string            `yaml:"id"`     // its number where not given
	Subject    string            `yaml:"subject"`
	Data       any               `yaml:"data"`
	Extensions map[string]string `yaml:"extensions"`
}

// Expected is one decision that must be made; nothing else may be.
type Expected struct {
	At      offset         `yaml:"at"` // event time from the start
	Rule    string         `yaml:"rule"`
	Key     *string        `yaml:"key"`   // any where not given
	Phase   loop.Phase     `yaml:"phase"` // do where not given
	Steps   []string       `yaml:"steps"` // all of them, in order; not looked at where not given
	Effects map[string]any `yaml:"effects"`
	MutedBy string         `yaml:"muted_by"` // the rule that inhibits it; none where not given
}

// offset is a time from the start.
type offset struct{ loop.Duration }

// UnmarshalYAML implements yaml.NodeUnmarshaler: the node knows its line.
func (o *offset) UnmarshalYAML(n ast.Node) error {
	d, err := loop.ParseDuration(n.GetToken().Value)
	if err != nil {
		at := n.GetToken().Position
		return &mistake{rule.Problem{Line: at.Line, Column: at.Column, Message: err.Error()}}
	}
	o.Duration = d
	return nil
}

// mistake is a problem that a decoding type found.
type mistake struct{ problem rule.Problem }

func (m *mistake) Error() string { return m.problem.String() }

// Epoch is the start of a test that names none.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const maxFileBytes = 4 << 20

// ParseFile reads a test file and checks it against the rules that it tests. What is wrong comes back as *rule.Errors.
func ParseFile(path string, cfg *loop.Config) ([]Test, error) {
	src, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("read the tests: %w", err)
	}
	return Parse(path, src, cfg)
}

// Parse is ParseFile of what has been read; name is what problems call it.
func Parse(name string, src []byte, cfg *loop.Config) (tests []Test, err error) {
	if len(src) > maxFileBytes {
		return nil, &rule.Errors{File: name, Problems: []rule.Problem{{Line: 1, Column: 1, Message: fmt.Sprintf("the file has %d bytes; at most %d are allowed", len(src), maxFileBytes)}}}
	}
	defer func() { // the parser is not ours
		if r := recover(); r != nil {
			tests, err = nil, &rule.Errors{File: name, Problems: []rule.Problem{{Line: 1, Column: 1, Message: fmt.Sprint("the file cannot be parsed: ", r)}}}
		}
	}()
	var doc struct {
		Tests []Test `yaml:"tests"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(src), yaml.Strict()).Decode(&doc); err != nil {
		return nil, &rule.Errors{File: name, Problems: []rule.Problem{problemOf(err)}}
	}
	tree, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, &rule.Errors{File: name, Problems: []rule.Problem{problemOf(err)}}
	}
	c := &checker{tree: tree, rules: map[string]loop.Rule{}}
	for _, r := range cfg.Rules {
		c.rules[r.ID] = r
	}
	if len(doc.Tests) == 0 {
		c.fail("tests", "add tests: [{name: …, signals: […], expect: […]}]", "there is no test")
	}
	names := map[string]bool{}
	for i := range doc.Tests {
		t := &doc.Tests[i]
		t.File = name
		c.test(fmt.Sprintf("tests[%d]", i), t)
		if names[t.Name] {
			c.fail(fmt.Sprintf("tests[%d].name", i), "give each a name of its own", "%q is a test already", t.Name)
		}
		names[t.Name] = true
	}
	if len(c.problems) > 0 {
		return nil, &rule.Errors{File: name, Problems: c.problems}
	}
	return doc.Tests, nil
}

func problemOf(err error) rule.Problem {
	p := rule.Problem{Line: 1, Column: 1, Message: err.Error()}
	if m, ok := errors.AsType[*mistake](err); ok {
		return m.problem
	}
	var y yaml.Error
	if errors.As(err, &y) {
		p.Message, _, _ = strings.Cut(y.GetMessage(), "\n")
		if t := y.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	return p
}

// checker checks what the decoder cannot know.
type checker struct {
	tree     *ast.File
	rules    map[string]loop.Rule
	problems []rule.Problem
}

func (c *checker) test(path string, t *Test) {
	t.Line, _ = c.place(path)
	t.start = Epoch
	if t.Name == "" {
		c.fail(path, "add name: what it shows", "name is required")
	}
	if t.Start != "" {
		start, err := time.Parse(time.RFC3339Nano, t.Start)
		if err != nil {
			c.fail(path+".start", "such as 2026-01-01T00:00:00Z", "%q is no time", t.Start)
		}
		t.start = start.UTC()
	}
	for i, id := range t.Rules {
		c.known(fmt.Sprintf("%s.rules[%d]", path, i), id)
	}
	for i := range t.Signals {
		if t.Signals[i].Type == "" {
			c.fail(fmt.Sprintf("%s.signals[%d]", path, i), "add type: com.example.…", "type is required")
		}
	}
	for i := range t.Expect {
		e, at := &t.Expect[i], fmt.Sprintf("%s.expect[%d]", path, i)
		c.known(at+".rule", e.Rule)
		if len(t.Rules) > 0 && !slices.Contains(t.Rules, e.Rule) {
			c.fail(at+".rule", "add it to rules", "%q is not among the test's rules", e.Rule)
		}
		if e.MutedBy != "" {
			c.known(at+".muted_by", e.MutedBy)
		}
		switch e.Phase {
		case "":
			e.Phase = loop.PhaseDo
		case loop.PhaseDo, loop.PhaseUndo, loop.PhaseElse:
		default:
			c.fail(at+".phase", "do, undo or else", "unknown phase %q", e.Phase)
		}
	}
}

func (c *checker) known(path, id string) {
	if r, ok := c.rules[id]; !ok {
		ids := make([]string, 0, len(c.rules))
		for known := range c.rules {
			ids = append(ids, known)
		}
		slices.Sort(ids)
		c.fail(path, "known: "+strings.Join(ids, ", "), "no rule has the id %q", id)
	} else if r.Mode == loop.ModeOff {
		c.fail(path, "", "rule %s is off", id)
	}
}

func (c *checker) fail(path, hint, format string, args ...any) {
	line, column := c.place(path)
	c.problems = append(c.problems, rule.Problem{Line: line, Column: column, Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// place finds where a value stands in the file, or what holds it.
func (c *checker) place(path string) (line, column int) {
	for path != "" {
		if p, err := yaml.PathString("$." + path); err == nil {
			if n, err := p.FilterFile(c.tree); err == nil && n != nil && n.GetToken() != nil {
				if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
					n = m.Values[0].Key
				} else if m, ok := n.(*ast.MappingValueNode); ok {
					n = m.Key
				}
				at := n.GetToken().Position
				return at.Line, at.Column
			}
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1, 1
}
