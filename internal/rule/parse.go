package rule

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"example.com/unbroken/internal/loop"
)

// Schemas says whether a JSON schema is one, and where in it what is wrong stands. It is handed in by programs that
// read files (schema.Check): decide shares this package, and must not carry what a schema takes.
type Schemas func(schema []byte) (at []string, err error)

// Parse reads and checks a loop.yaml; name is what its problems call it. What is wrong comes back as *Errors,
// all of it. Everything is compiled once here, so that what passes cannot fail to compile later. An input that has a
// schema is refused: see ParseWith.
func Parse(name string, src []byte) (*loop.Config, error) { return ParseWith(name, src, nil) }

// ParseWith is Parse for files whose inputs may have schemas.
func ParseWith(name string, src []byte, schemas Schemas) (*loop.Config, error) {
	root, problem := parseYAML(src)
	if problem != nil {
		return nil, &Errors{name, []Problem{*problem}}
	}
	d := &decoder{places: map[string]place{"": {1, 1}}, given: map[string][]string{}}
	cfg := d.config(root)
	setDefaults(cfg)
	c := &checker{decoder: d, cfg: cfg, schemas: schemas}
	c.deployment()
	c.inputs()
	c.declaredTypes()
	c.actions()
	c.rules()
	c.sharing()
	if len(d.problems) > 0 {
		sortProblems(d.problems)
		return nil, &Errors{name, slices.Compact(d.problems)} // two checks may find the same
	}
	return cfg, nil
}

// ParseFile reads and checks the file at path.
func ParseFile(path string, schemas Schemas) (*loop.Config, error) {
	src, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("read the rules: %w", err)
	}
	return ParseWith(path, src, schemas)
}
