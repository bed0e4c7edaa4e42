package ingest

import (
	"bytes"
	"strconv"
)

// number checks JSON's grammar for numbers and that the value fits a float64, which is what every rule will
// make of it: 1e400 would become an infinity, and NaN has no form in JSON at all.
func (s *scanner) number() error {
	from := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if s.digits() == 0 {
		return s.grammar("expected a digit")
	}
	if s.peek() == '.' {
		s.pos++
		if s.digits() == 0 {
			return s.grammar("expected a digit after the decimal point")
		}
	}
	exponent := s.peek()|0x20 == 'e'
	if exponent {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if s.digits() == 0 {
			return s.grammar("expected a digit in the exponent")
		}
	}
	text := s.src[from:s.pos]
	s.out = append(s.out, text...)
	// The greatest float64 has 309 digits, so a shorter number without an exponent always fits.
	if exponent || len(text) > 308 {
		if _, err := strconv.ParseFloat(string(text), 64); err != nil {
			s.fail("a number at byte %d does not fit a float64", from)
		}
	}
	return nil
}

func (s *scanner) digits() (n int) {
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
		n++
	}
	return n
}

func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.src[s.pos:], []byte(w)) {
		return s.grammar("expected a value")
	}
	s.pos += len(w)
	s.out = append(s.out, w...)
	return nil
}
