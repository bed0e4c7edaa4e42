package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
)

// defaultFiles are tried in order where no loop.yaml is named.
var defaultFiles = []string{"loop.yaml", "localstack/loop.yaml"}

// file is the loop.yaml to use: the one named, else --config, else the first default that is there.
func (g *globals) file(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	if g.Config != "" {
		return g.Config, nil
	}
	for _, f := range defaultFiles {
		if _, err := os.Stat(f); err == nil {
			return f, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for %s: %w", f, err)
		}
	}
	return "", fail(exitUsage, fmt.Errorf("there is no %s: name the file with --config", strings.Join(defaultFiles, " and no ")))
}

// load reads the deployment's loop.yaml and checks --region against it.
func (g *globals) load() (*loop.Config, error) {
	file, err := g.file("")
	if err != nil {
		return nil, err
	}
	cfg, err := rule.ParseFile(file, schema.Check)
	if err != nil {
		return nil, err
	}
	for _, r := range append(regionsOf(g.Endpoint), g.Region) {
		if r != "" && !slices.Contains(cfg.Regions.Loop, r) {
			return nil, fail(exitUsage, fmt.Errorf("%s is not a loop region of %s: choose of %s", r, file, strings.Join(cfg.Regions.Loop, ", ")))
		}
	}
	return cfg, nil
}

// regions are the loop regions that the command is about.
func (g *globals) regions(cfg *loop.Config) []string {
	if g.Region != "" {
		return []string{g.Region}
	}
	return cfg.Regions.Loop
}

func regionsOf(endpoints map[string]string) []string {
	names := make([]string, 0, len(endpoints))
	for r := range endpoints {
		names = append(names, r)
	}
	slices.Sort(names)
	return names
}
