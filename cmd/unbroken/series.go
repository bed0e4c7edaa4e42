package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
)

// series turns a CSV of timestamps and values into signals. The id of a signal is made of the thing measured and
// the time of its measurement, so a file sent twice, or by two machines, is one series.
type series struct {
	Type, Source, Subject string
	Field                 string // of the value in data

	csv    *csv.Reader
	time   int // columns
	value  int
	line   int
	seen   map[time.Time]bool
	recent []time.Time // what is in seen, oldest first
	Copies int         // rows that repeat a time: the loop would take them for copies
}

// seenMost bounds how many times are remembered, so that a series of any length can be read.
const seenMost = 100_000

// timeForms are tried in order; a time without a zone is UTC.
var timeForms = []string{"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"}

// open starts reading. A first row whose time column holds no time is a header; with one, the columns may be in
// any order.
func (s *series) open(in io.Reader) {
	s.csv = csv.NewReader(in)
	s.csv.FieldsPerRecord, s.csv.TrimLeadingSpace, s.csv.ReuseRecord = -1, true, true
	s.time, s.value, s.seen = 0, 1, map[time.Time]bool{}
}

// next gives the next row as a signal; io.EOF after the last.
func (s *series) next() (client.Signal, error) {
	for {
		row, err := s.csv.Read()
		if errors.Is(err, io.EOF) {
			return client.Signal{}, io.EOF
		}
		if err != nil {
			return client.Signal{}, fmt.Errorf("read CSV: %w", err)
		}
		s.line, _ = s.csv.FieldPos(0)
		if len(row) <= max(s.time, s.value) {
			return client.Signal{}, fmt.Errorf("line %d: want at least two columns, timestamp and value", s.line)
		}
		at, ok := parseTime(row[s.time])
		if !ok && s.line == 1 && s.header(row) {
			continue
		}
		if !ok {
			return client.Signal{}, fmt.Errorf("line %d: %q is no time: write it like 2014-02-14 14:27:00 (UTC) or in RFC 3339", s.line, row[s.time])
		}
		if s.seen[at] {
			s.Copies++
			continue
		}
		s.remember(at)
		return s.signal(at, strings.TrimSpace(row[s.value]))
	}
}

// remember notes a time, and forgets the oldest in runs: one by one would move the slice for every row.
func (s *series) remember(at time.Time) {
	s.seen[at] = true
	if s.recent = append(s.recent, at); len(s.recent) < 2*seenMost {
		return
	}
	for _, old := range s.recent[:seenMost] {
		delete(s.seen, old)
	}
	s.recent = append(s.recent[:0], s.recent[seenMost:]...)
}

// header finds the columns by name; the value's is called like the field, or value, or is the one beside the time.
// Without a column called timestamp or time the row is no header.
func (s *series) header(row []string) (found bool) {
	for i, name := range row {
		switch name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))); name {
		case "timestamp", "time":
			s.time, found = i, true
		}
	}
	s.value = 1 - min(s.time, 1)
	for _, want := range []string{"value", strings.ToLower(s.Field)} { // the latter wins
		for i, name := range row {
			if i != s.time && strings.ToLower(strings.TrimSpace(name)) == want {
				s.value = i
			}
		}
	}
	return found
}

func parseTime(text string) (time.Time, bool) {
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, strings.TrimSpace(text), time.UTC); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func (s *series) signal(at time.Time, value string) (client.Signal, error) {
	// The digits of the file go on as they are, where they are a JSON number.
	number := json.RawMessage(value)
	if f, err := strconv.ParseFloat(value, 64); err != nil {
		return client.Signal{}, fmt.Errorf("line %d: %q is no number", s.line, value)
	} else if !json.Valid(number) {
		if number, err = json.Marshal(f); err != nil {
			return client.Signal{}, fmt.Errorf("line %d: %q cannot be written in JSON", s.line, value)
		}
	}
	data, err := json.Marshal(map[string]json.RawMessage{s.Field: number})
	if err != nil {
		return client.Signal{}, fmt.Errorf("line %d: %w", s.line, err)
	}
	return client.Signal{
		ID: loop.H("row", s.Source, s.Subject, at.Format(time.RFC3339Nano)), Source: s.Source, Type: s.Type, Subject: s.Subject,
		Time: at, DataContentType: "application/json", Data: data,
	}, nil
}
