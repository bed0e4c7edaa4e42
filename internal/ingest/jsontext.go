package ingest

import (
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string at s.pos. raw is what stands between the quotes in the source.
//
// The copy escapes two groups of characters. SQS allows #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD |
// #x10000 to #x10FFFF, and replaces anything else by U+FFFD without an error, so an unescaped U+FFFE would be
// stored as something that nobody sent; control characters need no care, JSON admits them only as escapes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
// And U+2028 and U+2029 are what encoding/json escapes in every string that it writes (loop.Marshal leaves <, > and &
// alone): escaped here already, a signal has one form before and after its journey, and its length is known.
func (s *scanner) text() (raw []byte, escaped bool, err error) {
	from := s.pos
	s.pos++
	copied := from
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == '"':
			s.pos++
			s.out = append(s.out, s.src[copied:s.pos]...)
			return s.src[from+1 : s.pos-1], escaped, nil
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		case c < 0x20:
			return nil, false, s.grammar("an unescaped control character in a string")
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := s.runeAt()
			if size == 0 {
				s.fail("invalid UTF-8 at byte %d", s.pos)
				size = 1
			}
			if r == 0x2028 || r == 0x2029 || r == 0xFFFE || r == 0xFFFF {
				s.out = append(s.out, s.src[copied:s.pos]...)
				s.out = appendEscape(s.out, r)
				copied = s.pos + size
			}
			s.pos += size
		}
	}
	return nil, false, s.grammar("unfinished string")
}

func appendEscape(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// escape reads one escape sequence, and for a surrogate the other half too: half a pair is no character, and
// decoders turn it into U+FFFD, which would make different keys equal.
func (s *scanner) escape() error {
	at := s.pos
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
	default:
		return s.grammar("unknown escape sequence")
	}
	r, ok := s.hex4()
	if !ok {
		return s.grammar("expected four hexadecimal digits")
	}
	if !utf16.IsSurrogate(r) {
		return nil
	}
	if s.pos+1 < len(s.src) && s.src[s.pos] == '\\' && s.src[s.pos+1] == 'u' {
		before := s.pos
		s.pos++
		low, ok := s.hex4()
		if !ok {
			return s.grammar("expected four hexadecimal digits")
		}
		if utf16.DecodeRune(r, low) != utf8.RuneError {
			return nil
		}
		s.pos = before // not its other half: it is read again on its own
	}
	s.fail("half a surrogate pair at byte %d", at)
	return nil
}

// hex4 reads `u` and four hex digits at s.pos.
func (s *scanner) hex4() (r rune, ok bool) {
	s.pos++
	for range 4 {
		c := s.peek()
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
		s.pos++
	}
	return r, true
}

// unquote decodes a string that the scanner has found to be valid.
func unquote(quoted []byte) []byte {
	var v string
	if err := json.Unmarshal(quoted, &v); err != nil {
		return quoted // cannot happen; the raw text is still a name of its own
	}
	return []byte(v)
}

// runeAt decodes at s.pos; size 0 means that these bytes are not UTF-8.
func (s *scanner) runeAt() (r rune, size int) {
	r, size = utf8.DecodeRune(s.src[s.pos:])
	if r == utf8.RuneError && size <= 1 {
		return r, 0
	}
	return r, size
}
