package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// origin is where an event was read: the file and its number in it, from 1.
type origin struct {
	File string `json:"file"`
	N    int    `json:"n"`
}

// unfit is an event that is no CloudEvent; it is not sent, since no region would take it.
type unfit struct {
	origin
	Code   loop.Code
	Detail string
}

// readEvents reads CloudEvents JSON from files, `-` being stdin: one event, an array, or any number of events one
// after the other (JSON lines). What is not JSON is an error; an event with something wrong in it is only unfit.
func readEvents(w *world, files []string) (signals []client.Signal, origins []origin, bad []unfit, err error) {
	for _, file := range files {
		name, in := file, io.Reader(nil)
		if file == "-" {
			name, in = "stdin", w.Stdin
		} else {
			f, err := os.Open(filepath.Clean(file))
			if err != nil {
				return nil, nil, nil, fmt.Errorf("read events: %w", err)
			}
			defer f.Close()
			in = f
		}
		n := 0
		err := eachValue(in, func(raw json.RawMessage) {
			n++
			at := origin{name, n}
			s, err := ingest.ParseEvent(raw)
			if err != nil {
				bad = append(bad, unfit{at, loop.CodeOf(err), detail(err)})
				return
			}
			signals, origins = append(signals, s), append(origins, at)
		})
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%s: event %d: %w", name, n+1, err)
		}
	}
	return signals, origins, bad, nil
}

// eachValue calls f with every JSON value of a stream; the elements of an array are values.
func eachValue(in io.Reader, f func(json.RawMessage)) error {
	buffered := bufio.NewReader(in)
	// A byte order mark is no JSON, but editors write it.
	if mark, err := buffered.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
	}
	dec := json.NewDecoder(buffered)
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("not JSON at byte %d: %w", dec.InputOffset(), err)
		}
		if raw[0] != '[' {
			f(raw)
			continue
		}
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return fmt.Errorf("not JSON at byte %d: %w", dec.InputOffset(), err)
		}
		for _, one := range list {
			f(one)
		}
	}
}

func detail(err error) string {
	if r, ok := errors.AsType[*loop.Refusal](err); ok {
		return r.Detail
	}
	return err.Error()
}
