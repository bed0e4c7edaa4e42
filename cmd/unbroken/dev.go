package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"example.com/unbroken/internal/dev"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
)

type devCmd struct {
	File string   `arg:"" optional:"" help:"The loop.yaml to run (default: as --config)."`
	Port int      `placeholder:"PORT" help:"The first region's port on loopback; the other regions get the next ones (default: free ones)."`
	Kill []string `placeholder:"REGION@5s" help:"Kill the region after that long; +30s brings it back. May be repeated."`
	Cut  []string `placeholder:"REGION@5s" help:"Cut the region off from the others, likewise."`
}

// Help implements kong.HelpProvider.
func (devCmd) Help() string {
	return `All regions in this process, with the functions' own handlers over in-memory services: real HTTP in, real webhooks
out, nothing kept. Prints what is accepted, decided and landed as it happens, with --json one object a line. Inputs are
watched, and those of kind poll read if they name a url. Webhooks and polls reach what they may reach on AWS: list a
receiver or an endpoint of your own in egress_allow, such as "127.0.0.1:4580".

  unbroken dev loop.yaml
  unbroken dev loop.yaml --port 7100 --kill us-east-2@5s+30s`
}

// Run implements the command. It ends when ctx does.
func (c devCmd) Run(ctx context.Context, g *globals, w *world) error {
	file, err := g.file(c.File)
	if err != nil {
		return err
	}
	cfg, err := rule.ParseFile(file, schema.Check)
	if err != nil {
		return err
	}
	faults, err := c.faults(cfg)
	if err != nil {
		return fail(exitUsage, err)
	}
	world, err := dev.New(ctx, dev.Config{Rules: cfg, Port: c.Port, Faults: faults, Now: w.Now, Say: saying(w.Stdout, g.JSON)})
	if err != nil {
		return err
	}
	if err := banner(w.Stdout, g.JSON, cfg, world.Endpoints()); err != nil {
		return err
	}
	return world.Run(ctx)
}

func (c devCmd) faults(cfg *loop.Config) (faults []dev.Fault, err error) {
	for _, of := range []struct {
		kind  dev.Kind
		texts []string
	}{{dev.Kill, c.Kill}, {dev.Cut, c.Cut}} {
		for _, text := range of.texts {
			f, err := dev.ParseFault(of.kind, text)
			if err != nil {
				return nil, err
			}
			if all := cfg.Regions.All(); !slices.Contains(all, f.Region) {
				return nil, fmt.Errorf("%s is not a region of the loop: choose of %s", f.Region, strings.Join(all, ", "))
			}
			faults = append(faults, f)
		}
	}
	return faults, nil
}

func saying(out io.Writer, asJSON bool) func(dev.Event) {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return func(e dev.Event) { _ = enc.Encode(e) } // whoever reads is gone
	}
	return func(e dev.Event) { _, _ = fmt.Fprintln(out, line(e.String())) }
}

// banner says where the regions answer and gives a line to try.
func banner(out io.Writer, asJSON bool, cfg *loop.Config, endpoints []dev.Endpoint) error {
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"what": "ready", "endpoints": endpoints})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "unbroken dev: %s, %s; nothing is kept\n", summary(cfg), plural(len(cfg.Rules), "rule"))
	for _, e := range endpoints {
		fmt.Fprintf(&b, "  %-12s %s\n", e.Region, e.URL)
	}
	input, err := firstHTTP(cfg)
	if err != nil {
		return err
	}
	event := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"try","type":%q,"subject":"a","data":{}}`, typeToTry(cfg))
	fmt.Fprintf(&b, "try:\n  curl -i -H 'Content-Type: application/cloudevents+json' -d '%s' %s/v1/signals/%s\n", event, endpoints[0].URL, input)
	fmt.Fprintf(&b, "  curl %s/v1/outputs/KEY\n\n", endpoints[0].URL)
	_, err = io.WriteString(out, b.String())
	return err
}

func firstHTTP(cfg *loop.Config) (string, error) {
	var names []string
	for name, in := range cfg.Inputs {
		if in.Kind == loop.KindHTTP {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", errors.New("loop.yaml has no input of kind http: nothing could reach this loop")
	}
	return slices.Min(names), nil
}

// typeToTry is a type that some rule names.
func typeToTry(cfg *loop.Config) string {
	for _, r := range cfg.Rules {
		for _, t := range r.Match["type"] {
			if s, ok := t.(string); ok {
				return s
			}
		}
	}
	return "com.example.test"
}
