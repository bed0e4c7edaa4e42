package ingest

import (
	"bytes"
	"sync"

	"example.com/unbroken/internal/loop"
)

// MaxDepth is how deep arrays and objects may nest in one event.
const MaxDepth = 64

// scanner reads JSON strictly, in one pass over the bytes, and writes a canonical copy as it goes: no
// insignificant space, and every character that a later stage would escape or a queue would spoil already
// escaped. Readers of JSON disagree about duplicate keys, numbers beyond float64, lone surrogates and invalid
// UTF-8, so none of them gets past this point (RFC 7493, I-JSON).
//
// Two kinds of error are kept apart, so that one bad event in a batch does not take its neighbours with it.
// After a grammar error nothing that follows can be trusted (a stray quote turns text into structure), so
// value returns it and the whole document is refused. A breach of policy leaves the structure intact: it
// stands in breach, and the scan goes on to the next event.
//
// Nesting is a slice and not recursion: a body of a million brackets must not cost a million stack frames.
type scanner struct {
	src []byte
	pos int
	out []byte // the canonical copy

	base    int      // levels around the value that do not stand in src
	open    []byte   // the bracket that closes each open level
	members []member // of the outermost object
	keys    keySet
	breach  error

	room struct { // for what an ordinary event needs, in one allocation
		open    [8]byte
		members [12]member
		names   [2 * smallObject][]byte
		objects [8]object
	}
}

// member is one name and value of the outermost object; the value is out[start:end].
type member struct {
	name       []byte
	start, end int
}

// scanners are used again: one is larger than most events.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// newScanner is given back by done.
func newScanner(src []byte) *scanner {
	s, _ := scanners.Get().(*scanner)
	// Escapes make the copy longer than the source now and then; an eighth covers ordinary text.
	s.src, s.out = src, make([]byte, 0, len(src)+len(src)/8)
	s.open, s.members, s.keys.names, s.keys.objects = s.room.open[:0], s.room.members[:0], s.room.names[:0], s.room.objects[:0]
	return s
}

// done gives the scanner back without anything of its document; the copy is whoever's it was given to.
func (s *scanner) done() {
	*s = scanner{}
	scanners.Put(s)
}

// canonical is the copy of a whole document that stands inside base levels of something else.
func canonical(src []byte, base int) ([]byte, error) {
	s := newScanner(src)
	defer s.done()
	s.base = base
	if err := s.value(); err != nil {
		return nil, err
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	return s.out, s.breach
}

// value reads one value. Its error is about grammar; s.breach says what else is wrong with it.
func (s *scanner) value() error {
	s.open, s.members, s.breach = s.open[:0], s.members[:0], nil
	s.keys.reset()
	for {
		opened, err := s.start()
		if err != nil {
			return err
		}
		if opened {
			continue // the value of its first element or member comes next
		}
		if more, err := s.after(); err != nil || !more {
			return err
		}
	}
}

// finish refuses whatever stands behind the document.
func (s *scanner) finish() error {
	s.space()
	if s.pos < len(s.src) {
		return s.grammar("data after the end of the document")
	}
	return nil
}

// start reads a scalar, an empty array or object, or the opening of one that is not empty.
func (s *scanner) start() (opened bool, err error) {
	s.space()
	if len(s.open) == 1 && len(s.members) > 0 {
		s.members[len(s.members)-1].start = len(s.out)
	}
	switch c := s.peek(); {
	case c == '{':
		s.push('{', '}')
		if s.space(); s.peek() == '}' {
			s.pop()
			return false, nil
		}
		return true, s.name()
	case c == '[':
		s.push('[', ']')
		if s.space(); s.peek() == ']' {
			s.pop()
			return false, nil
		}
		return true, nil
	case c == '"':
		_, _, err := s.text()
		return false, err
	case c == '-' || '0' <= c && c <= '9':
		return false, s.number()
	case c == 't':
		return false, s.word("true")
	case c == 'f':
		return false, s.word("false")
	case c == 'n':
		return false, s.word("null")
	}
	return false, s.grammar("expected a value")
}

// after reads what may follow a value: closing brackets, then a comma (more follows) or the end.
func (s *scanner) after() (more bool, err error) {
	for len(s.open) > 0 {
		if len(s.open) == 1 && len(s.members) > 0 {
			s.members[len(s.members)-1].end = len(s.out)
		}
		s.space()
		closing := s.open[len(s.open)-1]
		switch s.peek() {
		case closing:
			s.pop()
		case ',':
			s.copyByte()
			if closing == '}' {
				s.space()
				return true, s.name()
			}
			return true, nil
		default:
			return false, s.grammar("expected a comma or %q", closing)
		}
	}
	return false, nil
}

// name reads a member's name and its colon.
func (s *scanner) name() error {
	if s.peek() != '"' {
		return s.grammar("expected a name in quotes")
	}
	at := s.pos
	raw, escaped, err := s.text()
	if err != nil {
		return err
	}
	name := raw
	if escaped && s.breach == nil {
		name = unquote(s.src[at:s.pos])
	}
	if s.breach == nil && !s.keys.add(name) {
		s.fail("duplicate key at byte %d", at)
	}
	if len(s.open) == 1 {
		s.members = append(s.members, member{name: name})
	}
	if s.space(); s.peek() != ':' {
		return s.grammar("expected a colon")
	}
	s.copyByte()
	return nil
}

func (s *scanner) push(opening, closing byte) {
	s.pos++
	s.out = append(s.out, opening)
	s.open = append(s.open, closing)
	if len(s.open)+s.base > MaxDepth {
		s.fail("nested deeper than %d levels", MaxDepth)
	}
	if closing == '}' && s.breach == nil {
		s.keys.open()
	}
}

func (s *scanner) pop() {
	if s.open[len(s.open)-1] == '}' && s.breach == nil {
		s.keys.close()
	}
	s.open = s.open[:len(s.open)-1]
	s.copyByte()
}

// peek is the next byte, or 0 at the end: NUL stands in no JSON, so it never matches.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) copyByte() {
	s.out = append(s.out, s.src[s.pos])
	s.pos++
}

func (s *scanner) space() {
	for c := s.peek(); c == ' ' || c == '\n' || c == '\t' || c == '\r'; c = s.peek() {
		s.pos++
	}
}

// grammar names a byte's position and never its content: what stands there may be a secret.
func (s *scanner) grammar(format string, args ...any) error {
	if s.pos >= len(s.src) {
		return loop.Refuse(loop.CodeMalformed, "not JSON: it ends too early, at byte %d", s.pos)
	}
	if s.pos == 0 && bytes.HasPrefix(s.src, []byte("\xef\xbb\xbf")) {
		return loop.Refuse(loop.CodeMalformed, "not JSON: it starts with a byte order mark; send UTF-8 without one")
	}
	return loop.Refuse(loop.CodeMalformed, "not JSON: "+format+" at byte %d", append(args, s.pos)...)
}

// fail notes a breach of policy; the first one counts.
func (s *scanner) fail(format string, args ...any) {
	if s.breach == nil {
		s.breach = loop.Refuse(loop.CodeMalformed, format, args...)
	}
}
