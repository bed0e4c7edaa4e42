package decide

import "bytes"

// The scanner finds where values begin and end without decoding them. It is on the path of every signal, matched
// or not, and touches most bytes once: strings are crossed with IndexByte, which compares 32 bytes at a time. It
// does not validate what it skips; ingest did, and the queue's policy admits nothing else.

// space returns the index of the first byte at or after i that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the string that begins at i with a quote, or -1.
func stringEnd(b []byte, i int) int {
	for i++; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		escapes := 0
		for b[i-1-escapes] == '\\' {
			escapes++
		}
		i++
		if escapes%2 == 0 {
			return i
		}
	}
}

// ends says whether c ends a number or a word.
func ends(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}

// valueEnd returns the index after the value that begins at i, or -1.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i); i < 0 {
				return -1
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return -1
			}
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
			continue
		default: // a number, true, false or null
			for i < len(b) && !ends(b[i]) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
	return -1
}

// fields calls f for every field of the object that begins at i and returns the index after it, or -1. f gets the
// bytes from the value on and returns the index after the value, counted from there, or -1.
func fields(b []byte, i int, f func(name, rest []byte) int) int {
	if i = space(b, i); i >= len(b) || b[i] != '{' {
		return -1
	}
	for i = space(b, i+1); i < len(b); {
		switch b[i] {
		case '}':
			return i + 1
		case ',':
			i = space(b, i+1)
			continue
		case '"':
		default:
			return -1
		}
		end := stringEnd(b, i)
		if end < 0 {
			return -1
		}
		name := b[i+1 : end-1]
		if i = space(b, end); i >= len(b) || b[i] != ':' {
			return -1
		}
		i = space(b, i+1)
		n := f(name, b[i:])
		if n < 0 {
			return -1
		}
		i = space(b, i+n)
	}
	return -1
}

// elements calls f for every element of the array that begins at i and returns the index after it, or -1. f gets
// the rest of the bytes from the element on and returns the index after the element, counted from there, or -1.
func elements(b []byte, i int, f func(rest []byte) int) int {
	if i = space(b, i); i >= len(b) || b[i] != '[' {
		return -1
	}
	for i = space(b, i+1); i < len(b); {
		switch b[i] {
		case ']':
			return i + 1
		case ',':
			i = space(b, i+1)
			continue
		}
		n := f(b[i:])
		if n < 0 {
			return -1
		}
		i = space(b, i+n)
	}
	return -1
}
