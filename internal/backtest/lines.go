package backtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// Lines reads CloudEvents JSON: one event a line, or any other form that `unbroken send` takes, pretty-printed events
// and arrays. The first line says which. Lines are not decoded here, which is what makes a million of them cheap; a
// broken one is one signal that is refused.
type Lines struct {
	in    *bufio.Reader
	dec   *json.Decoder // from the first line on that is not a whole event
	array bool          // dec is inside an array
	held  []json.RawMessage
	n     int
}

// NewLines reads from in.
func NewLines(in io.Reader) *Lines {
	l := &Lines{in: bufio.NewReaderSize(in, 64<<10)}
	// A byte order mark is no JSON, but editors write it.
	if mark, err := l.in.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = l.in.Discard(3)
	}
	return l
}

// Next implements Source.
func (l *Lines) Next() (Record, error) {
	for l.dec == nil {
		line, err := l.line()
		if err != nil {
			return Record{}, err
		}
		switch text := bytes.TrimSpace(line); {
		case len(text) == 0:
		case l.n > 0, text[0] == '{' && gjson.ValidBytes(text):
			return l.record(text), nil
		default:
			l.dec = json.NewDecoder(io.MultiReader(bytes.NewReader(line), l.in))
			if l.array = text[0] == '['; l.array {
				if _, err := l.dec.Token(); err != nil {
					return Record{}, l.broken(err)
				}
			}
		}
	}
	return l.decoded()
}

// line reads one line with its end, whatever its length up to the limit of a signal.
func (l *Lines) line() ([]byte, error) {
	var line []byte
	for {
		part, err := l.in.ReadSlice('\n')
		line = append(line, part...) // the reader's buffer is used again
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("event %d: %w", l.n+1, err)
		case len(line) > 4*loop.MaxSignalBytes: // an array in one line
			return line, nil
		}
	}
}

// decoded reads on where events do not stand one a line. The first array is taken element by element, since a whole
// recording may be one; a later one is taken whole.
func (l *Lines) decoded() (Record, error) {
	for len(l.held) == 0 {
		if l.array && !l.dec.More() {
			if _, err := l.dec.Token(); err != nil {
				return Record{}, l.broken(err)
			}
			l.array = false
		}
		var raw json.RawMessage
		if err := l.dec.Decode(&raw); errors.Is(err, io.EOF) {
			return Record{}, io.EOF
		} else if err != nil {
			return Record{}, l.broken(err)
		}
		if l.array || raw[0] != '[' {
			return l.record(raw), nil
		}
		if err := json.Unmarshal(raw, &l.held); err != nil {
			return Record{}, l.broken(err)
		}
	}
	raw := l.held[0]
	l.held = l.held[1:]
	return l.record(raw), nil
}

func (l *Lines) broken(err error) error {
	return fmt.Errorf("event %d: not JSON: %w", l.n+1, err)
}

func (l *Lines) record(raw []byte) Record {
	l.n++
	at, _ := time.Parse(time.RFC3339Nano, gjson.GetBytes(raw, "time").Str) // a bad one is refused with its reason later
	return Record{Signal: raw, At: at.UTC(), N: l.n}
}
