package rule

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of the file. They are checked on its bytes and tokens, before anything recurses into it.
const (
	maxFileBytes   = 1 << 20
	maxFileDepth   = 40
	maxFileRules   = 10_000
	maxFileProblem = 200 // after so many, more do not help
)

// parseYAML gives the document's root, or what keeps the file from being read at all.
func parseYAML(src []byte) (root ast.Node, problem *Problem) {
	defer func() { // the parser is not ours, and this input may be anyone's
		if r := recover(); r != nil {
			root, problem = nil, &Problem{Line: 1, Column: 1, Message: "the file cannot be parsed: " + oneLine(fmt.Sprint(r))}
		}
	}()
	switch {
	case len(src) > maxFileBytes:
		return nil, &Problem{Line: 1, Column: 1, Message: fmt.Sprintf("the file has %d bytes; at most %d are allowed", len(src), maxFileBytes)}
	case !utf8.Valid(src):
		return nil, &Problem{Line: 1 + bytes.Count(src[:firstInvalid(src)], []byte("\n")), Column: 1, Message: "not UTF-8"}
	}
	tokens := lexer.Tokenize(string(src))
	if p := checkTokens(tokens); p != nil {
		return nil, p
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // duplicates are reported with the other problems
	if err != nil {
		return nil, syntaxProblem(err)
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			at := position(doc.Body)
			return nil, &Problem{Line: at.line, Column: at.column, Message: "a second YAML document", Hint: "put everything into one"}
		}
		root = doc.Body
	}
	if root == nil {
		return nil, &Problem{Line: 1, Column: 1, Message: "the file is empty"}
	}
	return root, nil
}

func firstInvalid(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(src)
}

// checkTokens refuses what could blow up: anchors and aliases, with which a small file says "a billion of
// these", and nesting that would exhaust the parser's stack. Block nesting by indentation bounds itself, its
// size being quadratic; brackets, and dashes or question marks in one line, do not.
func checkTokens(tokens token.Tokens) *Problem {
	flow, line, inline := 0, 0, 0
	for _, t := range tokens {
		at := func(message, hint string) *Problem {
			return &Problem{Line: t.Position.Line, Column: t.Position.Column, Message: message, Hint: hint}
		}
		if t.Position.Line != line {
			line, inline = t.Position.Line, 0
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return at("anchors, aliases and merge keys are not supported", "name an action once and use it by its name")
		case token.TagType:
			return at("tags are not supported", "leave it out")
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			inline++
		default:
		}
		if flow > maxFileDepth || inline > maxFileDepth || t.Position.IndentLevel > maxFileDepth {
			return at(fmt.Sprintf("nested deeper than %d", maxFileDepth), "")
		}
	}
	return nil
}

func syntaxProblem(err error) *Problem {
	p := &Problem{Line: 1, Column: 1, Message: oneLine(err.Error())}
	var y yaml.Error
	if errors.As(err, &y) {
		p.Message = oneLine(y.GetMessage())
		if t := y.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
			if strings.HasPrefix(t.Value, "{") || strings.Contains(p.Message, "flow map") {
				p.Hint = `a value with {{ }} must stand in quotes`
			}
		}
	}
	return p
}

// place is where a value stands in the file.
type place struct{ line, column int }

func position(n ast.Node) place {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 && !m.IsFlowStyle {
			return position(m.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(m.Key)
	case *ast.LiteralNode:
		return tokenPlace(m.Start)
	}
	if n == nil {
		return place{1, 1}
	}
	return tokenPlace(n.GetToken())
}

func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}
