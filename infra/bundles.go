package main

import (
	"fmt"
	"os"
	"path/filepath"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// checkBundles refuses to define a deployment whose functions could not start: each package must hold a bundle that can be
// read, and that says what loop.yaml says now. Lambda replaces what runs before it starts what is new, so a bad bundle
// has to be stopped here; until then the last good one keeps serving.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html
func checkBundles(dist string, cfg *loop.Config) error {
	packed, err := rule.Pack(cfg)
	if err != nil {
		return err
	}
	want, err := rule.Load(packed)
	if err != nil {
		return err
	}
	for _, f := range []string{
		loop.FuncIngestHTTP, loop.FuncIngestQueue, loop.FuncIngestAlarm, loop.FuncIngestPoll, loop.FuncDecide, loop.FuncAct, loop.FuncOutputs,
		loop.FuncObserver, loop.FuncCanary, loop.FuncSweeper, loop.FuncSalvage, loop.FuncArchive,
	} {
		if _, err := os.Stat(filepath.Join(dist, f)); err != nil {
			continue // this deployment may have no such function; if it has, CDK says that it is not there
		}
		path := filepath.Join(dist, f, "bundle.json")
		packed, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return fmt.Errorf("read the bundle: %w: run `make bundle`", err)
		}
		bundle, err := rule.Load(packed)
		if err != nil {
			return fmt.Errorf("load %s: %w", path, err)
		}
		if bundle.Hash != want.Hash {
			return fmt.Errorf("%s has the hash %.12s, and loop.yaml %.12s: run `make bundle` for the loop.yaml that is deployed", path, bundle.Hash, want.Hash)
		}
	}
	return nil
}
