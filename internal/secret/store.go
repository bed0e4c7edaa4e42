// Package secret resolves references to secrets, `ssm:/path`, through SSM Parameter Store. Rules, effects and
// claims hold references only; the value is fetched when a request is signed and never appears in an error, a log
// or a stored record.
package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"example.com/unbroken/internal/loop"
)

// API is the part of SSM that is used here; *ssm.Client implements it.
type API interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

var _ API = (*ssm.Client)(nil)

// A value is used for fresh without asking again: a rotated secret takes effect within that time. While SSM does
// not answer, the last value is used for up to stale, and SSM is asked every pause only, so that its timeout does
// not delay every effect. So it is asked for what does not exist: the second secret of a credential mostly does not,
// and must not cost every request a call.
const (
	fresh = 5 * time.Minute
	stale = 24 * time.Hour
	pause = 10 * time.Second
)

// Store resolves and remembers secrets. It is safe for concurrent use.
type Store struct {
	api     API
	now     func() time.Time
	mu      sync.Mutex
	entries map[string]*entry
}

// entry is one reference. Its turn is a lock that a waiter can give up with its context: one caller asks SSM for a
// value, the others wait for that answer.
type entry struct {
	turn    chan struct{}
	value   Secret
	fetched time.Time // zero before the first answer
	asked   time.Time // of the last failure
	absent  bool      // it was that there is no such parameter
}

// New returns a Store over the parameters of api's region.
func New(api API, now func() time.Time) *Store {
	return &Store{api: api, now: now, entries: map[string]*entry{}}
}

// Prefix starts every reference.
const Prefix = "ssm:"

// Secret resolves a reference for whoever signs a request or checks a signature.
func (s *Store) Secret(ctx context.Context, ref string) ([]byte, error) {
	v, err := s.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	return []byte(v.Reveal()), nil
}

// Get resolves a reference of the form ssm:/path.
func (s *Store) Get(ctx context.Context, ref string) (Secret, error) {
	name, ok := strings.CutPrefix(ref, Prefix)
	if !ok || !strings.HasPrefix(name, "/") {
		// The text is not repeated: it may be the secret itself, written where its reference belongs.
		return Secret{}, errors.New("a secret must be a reference of the form ssm:/path")
	}
	e := s.entry(name)
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return Secret{}, fmt.Errorf("wait for secret %s: %w", name, ctx.Err())
	}
	return s.resolve(ctx, name, e)
}

func (s *Store) entry(name string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[name]
	if e == nil {
		e = &entry{turn: make(chan struct{}, 1)}
		s.entries[name] = e
	}
	return e
}

func notFound(name string) error {
	return fmt.Errorf("secret %s: %w: create the parameter in this region, or correct the reference", name, loop.ErrNotFound)
}

func (s *Store) resolve(ctx context.Context, name string, e *entry) (Secret, error) {
	now := s.now()
	have := !e.fetched.IsZero() && now.Before(e.fetched.Add(stale))
	if have && (now.Before(e.fetched.Add(fresh)) || now.Before(e.asked.Add(pause))) {
		return e.value, nil
	}
	if e.absent && now.Before(e.asked.Add(pause)) {
		return Secret{}, notFound(name)
	}
	out, err := s.api.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
	if err == nil && (out.Parameter == nil || out.Parameter.Value == nil) {
		err = errors.New("the answer has no value")
	}
	if err == nil {
		e.value, e.fetched, e.absent = Of(*out.Parameter.Value), now, false
		return e.value, nil
	}
	if _, gone := errors.AsType[*types.ParameterNotFound](err); gone {
		// Deleted is an answer, not an outage: a withdrawn secret must not be used any longer.
		e.fetched, e.asked, e.absent = time.Time{}, now, true
		return Secret{}, notFound(name)
	}
	if have {
		e.asked = now
		return e.value, nil
	}
	return Secret{}, fmt.Errorf("read secret %s: %w", name, err)
}
