package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// region is one region's stack while it is being defined, and the names of everything in it and its peers.
type region struct {
	stack awscdk.Stack
	name  string
	cfg   *loop.Config
	opt   Options
	apiID *string // of its HTTP API, once that is defined
}

// newRegion starts the stack {prefix}-{id} in a region.
func newRegion(app awscdk.App, cfg *loop.Config, opt Options, name, id string) region {
	env := &awscdk.Environment{Region: jsii.String(name)}
	if opt.Account != "" {
		env.Account = jsii.String(opt.Account)
	}
	stack := awscdk.NewStack(app, jsii.String(loop.Name(cfg.Prefix, id)), &awscdk.StackProps{
		Env:         env,
		Description: jsii.String("unbroken: the loop in " + name),
	})
	return region{stack: stack, name: name, cfg: cfg, opt: opt}
}

// full is a resource's name, the same in every region.
func (r region) full(name string) *string { return jsii.String(loop.Name(r.cfg.Prefix, name)) }

// roleName carries the region, because roles are global.
func (r region) roleName(name, in string) string { return loop.Name(r.cfg.Prefix, name) + "-" + in }

// arn is computed, never referred to: it names resources of any region, and resources of this one without
// the cycles that references between a queue, its dead-letter queue and a role would make.
func (r region) arn(service, in, resource string) *string {
	return r.stack.FormatArn(&awscdk.ArnComponents{
		Service:   jsii.String(service),
		Region:    jsii.String(in),
		Resource:  jsii.String(resource),
		ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME,
	})
}

func (r region) queueARN(in, queue string) *string {
	return r.arn("sqs", in, loop.Name(r.cfg.Prefix, queue))
}

func (r region) tableARN(in, table string) *string {
	return r.arn("dynamodb", in, "table/"+loop.Name(r.cfg.Prefix, table))
}

func (r region) roleARN(in, function string) *string {
	return r.arn("iam", "", "role/"+r.roleName(function, in))
}

// everywhere maps f over the loop regions, this one included.
func (r region) everywhere(f func(in string) *string) []*string {
	var all []*string
	for _, in := range r.cfg.Regions.Loop {
		all = append(all, f(in))
	}
	return all
}

// chainFunctions are the functions of a loop region, in the order a signal meets them.
func chainFunctions() []string {
	return []string{loop.FuncIngestHTTP, loop.FuncIngestQueue, loop.FuncDecide, loop.FuncAct, loop.FuncOutputs}
}
