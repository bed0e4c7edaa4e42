package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/local"
)

func deploy(ctx context.Context, site *local.Site, f flags, cfg *loop.Config, say *progress) error {
	site.Log = say.log()
	loopFile, err := filepath.Abs(f.Loop)
	if err != nil {
		return fmt.Errorf("deploy: %w", err)
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{fmt.Sprintf("deploying %v and the witness %s with cdk", cfg.Regions.Loop, cfg.Regions.Witness), func(ctx context.Context) error {
			return site.Deploy(ctx, local.Deployment{Regions: cfg.Regions.All(), Context: map[string]string{
				"loop": loopFile, "dist": filepath.Join(site.Dir, "dist"), "emulator": "1",
				"apiEndpoint": site.EdgeURL + "/_aws/execute-api/{id}/$default",
			}})
		}},
		{"replicating the tables", func(ctx context.Context) error {
			return site.Replicate(ctx, cfg.Prefix, cfg.Regions.Loop, cfg.Regions.Witness)
		}},
		{"naming the regions in Route 53", func(ctx context.Context) error { return site.Failover(ctx, cfg) }},
		{"storing the signing secret and asking the observers", func(ctx context.Context) error {
			for _, region := range cfg.Regions.Loop {
				if err := site.PutSecret(ctx, region, "/unbroken/webhook", secret); err != nil {
					return err
				}
			}
			for _, region := range cfg.Regions.All() {
				if err := site.Invoke(ctx, region, loop.Name(cfg.Prefix, loop.FuncObserver)); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		say.begin("%s", step.name)
		limited, cancel := context.WithTimeout(ctx, 5*time.Minute)
		err := step.run(limited)
		cancel()
		say.end(err)
		if err != nil {
			return err
		}
	}
	return nil
}
