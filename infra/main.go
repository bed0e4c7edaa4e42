// Command infra is the CDK app: it reads loop.yaml and defines one stack per region of the loop. It must
// know no rule and no signal, only regions, names and bounds; what a function does is in its bundle.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
)

func main() {
	defer jsii.Close()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		jsii.Close()
		os.Exit(1)
	}
}

func run() error {
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)})
	cfg, err := rule.ParseFile(contextString(app, "loop", "loop.yaml"), schema.Check)
	if err != nil {
		return err
	}
	opt, err := optionsFrom(app)
	if err != nil {
		return err
	}
	if err := checkBundles(opt.Dist, cfg); err != nil {
		return err
	}
	if err := Loop(app, cfg, opt); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}
