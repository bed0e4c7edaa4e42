package schema

import (
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.com/unbroken/internal/loop"
)

// bounded is a schema whose work on one signal is bounded. One that refers to itself by two branches does twice as much
// with every level of the data, and 60 levels, which anybody may send, would take it years.
type bounded struct {
	mu     sync.Mutex         // the budget is of one signal at a time
	not    *jsonschema.Schema // allows what schema does not
	schema *jsonschema.Schema
	left   int
}

// A step is a schema that looks at a value; a large value takes more, see weight. Honest data takes some steps for each
// of its values. Hostile data of 256 KiB may use up half a million, each less than a microsecond and 100 bytes, to find
// out whether it is allowed, and fewer to find out why not: what is told of wrong data takes memory for each step.
const (
	stepsForAll  = 5_000
	stepsPerByte = 2
	stepsForWhy  = 50_000
)

var (
	errEndless     = &loop.Refusal{Code: loop.CodeInvalidData, Pointer: "/data", Detail: "/data: it takes too long to find out whether the schema of this input allows it"}
	errUnexplained = &loop.Refusal{Code: loop.CodeInvalidData, Pointer: "/data", Detail: "/data: not what the schema of this input allows; what exactly takes too long to find out"}
)

// validate says whether data that came as so many bytes is allowed.
func (b *bounded) validate(size int, data any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = stepsForAll + stepsPerByte*size
	allowed := b.not.Validate(data) != nil
	switch {
	case b.left < 0:
		return errEndless
	case allowed:
		return nil
	}
	b.left = stepsForWhy
	if err := b.schema.Validate(data); b.left >= 0 {
		return err
	}
	return errUnexplained
}

func compile(raw []byte) (*bounded, error) {
	c, err := compiler(raw)
	if err != nil {
		return nil, err
	}
	b := &bounded{}
	b.count(c)
	if err := c.AddResource(base+":not", map[string]any{"not": map[string]any{"$ref": base}}); err != nil {
		return nil, err
	}
	if b.schema, err = c.Compile(base); err != nil {
		return nil, err
	}
	b.not, err = c.Compile(base + ":not")
	return b, err
}

// count has every schema of the compiler spend of the budget before it looks at anything. The library has no such hook;
// it asks the format of a schema first, and tells a vocabulary of every schema that it compiles.
func (b *bounded) count(c *jsonschema.Compiler) {
	c.AssertVocabs()
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: base + ":steps", Compile: func(ctx *jsonschema.CompilerContext, _ map[string]any) (jsonschema.SchemaExt, error) {
		s := ctx.Enqueue(nil) // the one that is being compiled
		var format jsonschema.Format
		if s.Format != nil {
			format = *s.Format
		}
		s.Format = &jsonschema.Format{Name: format.Name, Validate: func(v any) error {
			if b.left -= weight(v); b.left < 0 {
				return errEndless // so that nothing more is looked at
			}
			if format.Validate != nil {
				return format.Validate(v)
			}
			return nil
		}}
		return nil, nil
	}})
}

// weight is how many steps it may take to look at a value, without what is inside it.
func weight(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return 1 + len(v)/8
	case []any:
		return 1 + len(v)/8
	case string:
		return 1 + len(v)/16 // a pattern reads it to its end
	}
	return 1
}
