package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// A bundle that no function could start with is never deployed, and what runs goes on.
func TestABadBundleIsNotDeployed(t *testing.T) {
	t.Parallel()
	parse := func(prefix string) *loop.Config {
		cfg, err := rule.Parse("loop.yaml", []byte("prefix: "+prefix))
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	cfg := parse("shop")
	good, err := rule.Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rule.Pack(parse("other"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bundle []byte // nil: none
		is     error
		says   string
	}{
		"good":      {good, nil, ""},
		"missing":   {nil, os.ErrNotExist, "make bundle"},
		"cut off":   {good[:len(good)/2], rule.ErrBundleCorrupt, "make it again"},
		"newer":     {[]byte(strings.Replace(string(good), `"format":`, `"format":9`, 1)), rule.ErrBundleFormat, "update"},
		"of others": {other, nil, "run `make bundle`"},
	} {
		dist := t.TempDir()
		write := func(path string, text []byte) {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(filepath.Join(dist, loop.FuncDecide, "bootstrap"), nil)
		write(filepath.Join(dist, "one-of-yesterday", "bundle.json"), other)
		write(filepath.Join(dist, loop.FuncAct, "bundle.json"), good)
		if c.bundle != nil {
			write(filepath.Join(dist, loop.FuncDecide, "bundle.json"), c.bundle)
		}
		err := checkBundles(dist, cfg)
		if (err == nil) != (c.says == "") || c.is != nil && !errors.Is(err, c.is) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
