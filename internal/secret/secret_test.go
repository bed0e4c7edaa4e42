package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/webhook"
)

var (
	_ webhook.Secrets = (*Store)(nil)
	_ ingest.Secrets  = (*Store)(nil)
)

const value = "s3cr3t-value"

func TestSecretNeverShowsItself(t *testing.T) {
	t.Parallel()
	s := Of(value)
	type config struct {
		Secret Secret
		Ptr    *Secret
		hidden Secret
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("m", slog.Any("secret", s), slog.Any("config", config{s, &s, s}))
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", slog.Any("secret", s), slog.Any("config", config{s, &s, s}))
	encoded, err := json.Marshal(map[string]any{"s": s, "c": config{s, &s, s}})
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{log.String(), string(encoded), s.String(), fmt.Errorf("oops: %v %w", s, errors.New("x")).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, config{s, &s, s}), fmt.Sprintf(verb, &s))
	}
	for _, text := range shown {
		for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("%d", []byte(value))} {
			if strings.Contains(text, form) {
				t.Errorf("shown in %s", text)
			}
		}
	}
	if s.Reveal() != value {
		t.Error("not revealed")
	}
}

// store is SSM with a clock; down makes it fail.
type store struct {
	mu    sync.Mutex
	now   time.Time
	value string
	err   error
	asked int
}

func (s *store) GetParameter(_ context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if *in.Name != "/unbroken/page" || !*in.WithDecryption {
		return nil, fmt.Errorf("asked for %s, decrypted %v", *in.Name, *in.WithDecryption)
	}
	if s.err != nil {
		return nil, s.err
	}
	return &ssm.GetParameterOutput{Parameter: &types.Parameter{Value: aws.String(s.value)}}, nil
}

func (s *store) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *store) set(after time.Duration, value string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.value, s.err, s.asked = s.now.Add(after), value, err, 0
}

func newStore() (*store, *Store) {
	api := &store{now: time.Unix(1e9, 0), value: value}
	return api, New(api, api.Now)
}

var errDown = errors.New("down")

// get expects a value, or where it is "" an error, and a number of calls to SSM since the last set.
func get(t *testing.T, api *store, s *Store, value string, asked int, target ...error) {
	t.Helper()
	got, err := s.Get(t.Context(), "ssm:/unbroken/page")
	if got.Reveal() != value || (err == nil) != (value != "") || api.asked != asked {
		t.Fatalf("got %q, %v after %d calls; want %q after %d", got.Reveal(), err, api.asked, value, asked)
	}
	for _, e := range target {
		if !errors.Is(err, e) {
			t.Fatalf("got %v, want %v", err, e)
		}
	}
}

func TestRotatedSecretTakesEffectInTime(t *testing.T) {
	t.Parallel()
	api, s := newStore()
	get(t, api, s, value, 1)
	if v, err := s.Secret(t.Context(), "ssm:/unbroken/page"); string(v) != value || err != nil {
		t.Fatalf("a signer gets %q, %v", v, err)
	}
	api.set(fresh-1, "rotated", nil)
	get(t, api, s, value, 0)
	api.set(1, "rotated", nil)
	get(t, api, s, "rotated", 1)
	get(t, api, s, "rotated", 1)
}

func TestLastGoodValueBridgesAnOutage(t *testing.T) {
	t.Parallel()
	api, s := newStore()
	get(t, api, s, value, 1)
	api.set(fresh, "", errDown)
	get(t, api, s, value, 1)
	get(t, api, s, value, 1) // SSM is not asked for every effect while it is down
	api.set(pause-1, "", errDown)
	get(t, api, s, value, 0)
	api.set(1, "", errDown)
	get(t, api, s, value, 1)
	api.set(pause, "back", nil)
	get(t, api, s, "back", 1)
	api.set(stale-1, "", errDown)
	get(t, api, s, "back", 1)
	api.set(1, "", errDown)
	get(t, api, s, "", 1, errDown)
	get(t, api, s, "", 2) // without a value every caller asks
}

func TestWithdrawnSecretIsNotUsed(t *testing.T) {
	t.Parallel()
	api, s := newStore()
	get(t, api, s, value, 1)
	api.set(fresh, "", &types.ParameterNotFound{})
	get(t, api, s, "", 1, loop.ErrNotFound)
	get(t, api, s, "", 1, loop.ErrNotFound) // nor asked for again at once
	api.set(pause, "", errDown)
	get(t, api, s, "", 1)
	api.set(pause, "new", nil)
	get(t, api, s, "new", 1)
}

func TestEmptyAnswerIsAnError(t *testing.T) {
	t.Parallel()
	s := New(empty{}, func() time.Time { return time.Unix(1e9, 0) })
	if v, err := s.Secret(t.Context(), "ssm:/x"); err == nil || v != nil {
		t.Errorf("got %q, %v", v, err)
	}
}

type empty struct{}

func (empty) GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	return &ssm.GetParameterOutput{}, nil
}

// A secret written where its reference belongs must not be repeated in the error.
func TestOnlyReferencesAreTaken(t *testing.T) {
	t.Parallel()
	api, s := newStore()
	for _, ref := range []string{"", value, "ssm:", "ssm:" + value, "/unbroken/page", "SSM:/unbroken/page"} {
		_, err := s.Get(t.Context(), ref)
		if err == nil || strings.Contains(err.Error(), value) {
			t.Errorf("%q: %v", ref, err)
		}
	}
	if api.asked != 0 {
		t.Error("SSM was asked")
	}
}

// blocking is SSM that answers when told.
type blocking struct {
	asked  chan struct{}
	answer chan struct{}
}

func (b blocking) GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	b.asked <- struct{}{}
	<-b.answer
	return &ssm.GetParameterOutput{Parameter: &types.Parameter{Value: aws.String(value)}}, nil
}

func TestManyCallersAskOnceAndWaitNoLongerThanTheyMay(t *testing.T) {
	t.Parallel()
	b := blocking{make(chan struct{}, 16), make(chan struct{})}
	s := New(b, func() time.Time { return time.Unix(1e9, 0) })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := s.Get(t.Context(), "ssm:/x"); err != nil || got.Reveal() != value {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	<-b.asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx, "ssm:/x"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller without time: %v", err)
	}
	close(b.answer)
	wg.Wait()
	if len(b.asked) != 0 {
		t.Errorf("asked %d times", 1+len(b.asked))
	}
}
