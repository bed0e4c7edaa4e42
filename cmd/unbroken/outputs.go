package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

type outputsCmd struct {
	Key string `arg:"" help:"The output's key."`
}

// Help implements kong.HelpProvider.
func (outputsCmd) Help() string {
	return `Without --region the regions are asked in turn until one answers; every one of them has every region's outputs.
Exits 1 if no output has the key, 4 if no region answers.

  unbroken outputs shed/checkout
  unbroken outputs shed/checkout --region us-west-2 --json`
}

// maxOutput bounds an answer: a value has at most 256 KiB, and JSON may write a byte as six.
const maxOutput = 4 << 20

// errNoOutput is an answer: the key is not there.
var errNoOutput = errors.New("no output has this key")

// Run implements the command.
func (c outputsCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	if err := r.signed(ctx); err != nil {
		return err
	}
	regions := g.regions(r.cfg)
	urls, err := r.anyEndpoint(ctx, g.Endpoint, regions)
	if err != nil {
		return err
	}
	var errs []error
	for _, region := range regions {
		if urls[region] == "" {
			continue
		}
		a, err := readOutput(ctx, w.HTTP, r.sign, region, urls[region], c.Key)
		if err == nil {
			return c.print(g, w, a)
		}
		if errors.Is(err, errNoOutput) {
			return fail(exitProblem, fmt.Errorf("%w: %s (asked %s)", errNoOutput, c.Key, region))
		}
		errs = append(errs, fmt.Errorf("%s: %w", region, err))
	}
	return fail(exitUnreachable, fmt.Errorf("no region answered: %w", errors.Join(errs...)))
}

func readOutput(ctx context.Context, hc *http.Client, sign client.Signer, region, base, key string) (outputs.Answer, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	segments := strings.Split(key, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/outputs/"+strings.Join(segments, "/"), nil)
	if err != nil {
		return outputs.Answer{}, err
	}
	if err := sign.Sign(ctx, req, region, nil); err != nil {
		return outputs.Answer{}, err
	}
	resp, err := hc.Do(req)
	if err != nil {
		return outputs.Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOutput))
	if err != nil {
		return outputs.Answer{}, fmt.Errorf("the answer broke off: %w", err)
	}
	var a outputs.Answer
	switch {
	case resp.StatusCode == http.StatusNotFound && problemCode(body) == loop.CodeNotFound:
		return a, errNoOutput
	case resp.StatusCode != http.StatusOK:
		return a, fmt.Errorf("answered %s", resp.Status)
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Key == "" {
		return a, errors.New("answered something that is not an output")
	}
	return a, nil
}

// problemCode tells the loop's own refusal from a gateway's.
func problemCode(body []byte) loop.Code {
	var p struct {
		Code loop.Code `json:"code"`
	}
	_ = json.Unmarshal(body, &p)
	return p.Code
}

func (c outputsCmd) print(g *globals, w *world, a outputs.Answer) error {
	if g.JSON {
		return printJSON(w.Stdout, a)
	}
	t := newTable(w.Stdout)
	t.row("key", line(a.Key))
	t.row("value", line(string(a.Value)))
	t.row("age", a.Age+", written "+a.WrittenAt.UTC().Format(time.RFC3339))
	t.row("origin", line(a.Origin)+", read in "+line(a.Region))
	t.row("rule", line(a.RuleID))
	t.row("effect", line(a.EffectID))
	return t.Flush()
}
