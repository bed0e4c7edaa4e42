package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
)

type bundleCmd struct {
	File string `arg:"" optional:"" help:"The loop.yaml to compile (default: as --config)."`
	Out  string `required:"" short:"o" placeholder:"PATH" help:"Where to write the bundle."`
}

// Help implements kong.HelpProvider.
func (bundleCmd) Help() string {
	return `The same rules give the same bytes. The hash printed is the one that stands in every decision's explanation.
A bundle that is already what it should be is left alone, so that builds see no change.

  unbroken bundle loop.yaml --out dist/bundle.json`
}

// Run implements the command.
func (c bundleCmd) Run(g *globals, w *world) error {
	file, err := g.file(c.File)
	if err != nil {
		return err
	}
	cfg, err := rule.ParseFile(file, schema.Check)
	if err != nil {
		return err
	}
	packed, err := rule.Pack(cfg)
	if err != nil {
		return err
	}
	// Read back what the functions will read: a bundle that does not load must never be shipped.
	made, err := rule.Load(packed)
	if err != nil {
		return fmt.Errorf("the bundle does not load: %w", err)
	}
	if err := replace(c.Out, packed); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	if g.JSON {
		return printJSON(w.Stdout, map[string]any{"out": c.Out, "hash": made.Hash, "bytes": len(packed), "rules": len(cfg.Rules)})
	}
	_, _ = fmt.Fprintf(w.Stdout, "bundle: %s  %d bytes  hash %s\n", c.Out, len(packed), made.Hash)
	return nil
}

// replace writes a file in one step, so that nobody sees half of it; one that has the content stays as it is.
func replace(path string, content []byte) error {
	path = filepath.Clean(path)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a build's output, for all to read
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // nothing is there after the rename
	_, err = tmp.Write(content)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644) //nolint:gosec // a build's output, for all to read
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
