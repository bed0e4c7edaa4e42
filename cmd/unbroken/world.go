package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// world is everything outside the program that a command may touch.
type world struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Terminal       bool   // a person looks at Stderr: progress is shown
	StdinTerminal  bool   // Stdin is a keyboard
	User           string // who is logged in
	Now            func() time.Time
	Wait           func(ctx context.Context, d time.Duration) error
	HTTP           *http.Client
	Lookup         func(ctx context.Context, resolver, host string) ([]string, error) // resolver "" is this machine's
	Local          func(ctx context.Context) (site, error)
	AWS            func(ctx context.Context, opts ...func(*config.LoadOptions) error) (aws.Config, error)
	Cloud          func(cfg aws.Config, d deployment) *cloud
	Bucket         func(cfg aws.Config, name string) objects
}
