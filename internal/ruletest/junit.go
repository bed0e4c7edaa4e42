package ruletest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes results in the form that build servers read, a suite per file.
// https://github.com/testmoapp/junitxml
func WriteJUnit(w io.Writer, results []Result) error {
	var doc junitSuites
	for _, r := range results {
		if n := len(doc.Suites); n == 0 || doc.Suites[n-1].Name != r.Test.File {
			doc.Suites = append(doc.Suites, junitSuite{Name: r.Test.File})
		}
		s := &doc.Suites[len(doc.Suites)-1]
		one := junitCase{Class: strings.TrimSuffix(r.Test.File, ".yaml"), Name: r.Test.Name, File: r.Test.File, Line: r.Test.Line}
		s.Tests++
		if r.Failure != "" {
			s.Failures++
			one.Failure = &junitFailure{"the decisions are not those expected", r.Failure}
		}
		s.Cases = append(s.Cases, one)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}
