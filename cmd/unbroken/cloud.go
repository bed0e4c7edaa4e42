package main

import (
	"context"
	"encoding/json"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
	"example.com/unbroken/internal/sweep"
)

// deployment is what names and addresses are made of.
type deployment struct {
	Prefix  string
	Account string // "" where only AWS knows
	Regions []string
	User    string // who is at the terminal, where AWS does not say
	Now     func() time.Time
}

// cloud is what the commands ask of AWS, each a small question that a test can answer instead.
type cloud struct {
	Docs      documents
	Queues    queues
	Functions functions
	Tables    tables
	Logs      logs
	Claims    func(region string) claims
	Scans     func(region string) scans
	Controls  func(region string) controls
	Records   func(region string) records
	Names     func(domain string) names
	Who       func(ctx context.Context) string // the caller, for audit trails
}

type documents interface {
	Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error)
	Put(ctx context.Context, region, name, writer string, doc any, keep time.Duration) error
}

type queues interface {
	Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error)
	Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error
	Receive(ctx context.Context, region, name string, limit int, wait, hold time.Duration) ([]loop.Received, error)
	Delete(ctx context.Context, region, name string, handles []string) error
	Return(ctx context.Context, region, name string, handles []string) error
	StartMove(ctx context.Context, region, name string, rate int) error
	LastMove(ctx context.Context, region, name string) (queue.Move, error)
}

// functionState is a function as Lambda has it; Feeds are the states of its event source mappings.
type functionState struct {
	State string   `json:"state"`
	Feeds []string `json:"feeds,omitempty"`
}

type functions interface {
	Function(ctx context.Context, region, name string, fed bool) (functionState, error)
}

type tables interface {
	Table(ctx context.Context, region, name string) (status string, err error)
}

// logLine is one line of a function's log.
type logLine struct {
	At   time.Time
	Text string
}

type logs interface {
	// Search returns the lines since that hold text, at most limit, and whether there may be more.
	Search(ctx context.Context, region, function, text string, since time.Time, limit int) (lines []logLine, more bool, err error)
}

type claims interface {
	Get(ctx context.Context, effectID string) (loop.Claim, error)
	Swap(ctx context.Context, next loop.Claim, token int64) error
	Unpark(ctx context.Context, next loop.Claim, token int64) error
}

type scans interface {
	Scan(ctx context.Context, q sweep.Query) (sweep.Page, error)
}
