package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// Loop defines the stacks of one deployment: {prefix}-{region} for every loop region and the witness, in
// the order in which they must first be deployed.
//
// No stack refers to another's resources. Names derive from the prefix and the region, so that a region can
// be deployed, or lost, without its peers; crossRegionReferences would put a custom resource between them.
func Loop(app awscdk.App, cfg *loop.Config, opt Options) error {
	if err := checkRegions(cfg.Regions); err != nil {
		return err
	}
	if err := opt.check(); err != nil {
		return err
	}
	if opt.MaxConcurrency == 0 {
		opt.MaxConcurrency = defaultMaxConcurrency
	}

	var stacks []awscdk.Stack
	for i, name := range cfg.Regions.Loop {
		r := newRegion(app, cfg, opt, name, name)
		r.loopRegion(i == 0)
		stacks = append(stacks, r.stack)
	}
	if cfg.Regions.Witness != "" {
		r := newRegion(app, cfg, opt, cfg.Regions.Witness, cfg.Regions.Witness)
		r.witnessRegion()
		stacks = append(stacks, r.stack)
	}

	// The tables are made by the first stack, replicas included; functions elsewhere would start without
	// them. A later deployment of one region alone says --exclusively.
	for _, s := range stacks[1:] {
		s.AddStackDependency(stacks[0], jsii.String("the tables and their replicas"))
	}
	if opt.Domain != "" {
		names(app, cfg, opt, stacks)
	}
	guard(app)
	return nil
}

// checkRegions accepts one loop region, or three regions in all: strong consistency across regions takes
// exactly three, of which one may be a witness.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
func checkRegions(r loop.Regions) error {
	seen := map[string]bool{}
	for _, name := range r.All() {
		if name == "" || seen[name] {
			return fmt.Errorf("regions: %q is empty or named twice", name)
		}
		seen[name] = true
	}
	switch {
	case len(r.Loop) == 1 && r.Witness == "", len(r.Loop) == 2 && r.Witness != "", len(r.Loop) == 3 && r.Witness == "":
		return nil
	}
	return fmt.Errorf("regions: want one loop region, two and a witness, or three; got %d and witness %q", len(r.Loop), r.Witness)
}

// loopRegion reads like the chain: what holds state, then from the way in to the way out, then what watches.
func (r region) loopRegion(first bool) {
	if first {
		r.claimsTable()
		r.outputsTable()
	}
	queues := r.queues()

	ingestHTTP := r.function(loop.FuncIngestHTTP, nil)
	ingestQueue := r.function(loop.FuncIngestQueue, nil)
	chain := chainFunctions()
	if in, declared := r.alarmInput(); declared {
		r.alarmWays(r.function(loop.FuncIngestAlarm, nil), in)
		chain = append(chain, loop.FuncIngestAlarm)
	}
	decide := r.function(loop.FuncDecide, nil)
	act := r.function(loop.FuncAct, nil)

	api := r.api()
	r.apiID = api.ApiId()
	endpoint := r.endpoint(api)
	outputs := r.function(loop.FuncOutputs, endpoint)
	observer := r.function(loop.FuncObserver, endpoint)
	canary := r.function(loop.FuncCanary, endpoint)
	sweeper := r.function(loop.FuncSweeper, nil)
	stage := r.routes(api, ingestHTTP, outputs)
	if r.opt.Domain != "" {
		r.customDomain(api, stage)
	}

	r.consume(queues[loop.QueueInbox], ingestQueue)
	r.consume(queues[loop.QueueSignals], decide)
	r.consume(queues[loop.QueueActions], act)
	runs := []scheduled{everyMinute(loop.FuncObserver, observer), everyMinute(loop.FuncCanary, canary), everyHour(sweeper)}
	salvages := len(r.cfg.Regions.Loop) > 1
	if salvages {
		runs = append(runs, everyMinute(loop.FuncSalvage, r.function(loop.FuncSalvage, nil)))
	}
	if r.cfg.Polls() {
		poll := r.function(loop.FuncIngestPoll, nil)
		runs = append(runs, everyMinute(loop.FuncIngestPoll, poll)) // reads what is due, or finds with two reads that another region has
		chain = append(chain, loop.FuncIngestPoll)
	}
	r.schedule(runs...)

	pager := r.pager()
	r.queueAlarms(pager)
	r.errorAlarms(pager, append(chain, loop.FuncCanary)...)
	for _, name := range chain {
		if name == loop.FuncIngestAlarm || name == loop.FuncIngestPoll {
			r.throttleAlarm(pager, name)
		}
	}
	r.apiAlarms(pager, api)
	r.stuckAlarms(pager)
	r.observerAlarms(pager)
	if salvages {
		r.errorAlarms(pager, loop.FuncSalvage)
	}
	r.sweeperAlarms(pager)
	r.archive(pager)
	r.dashboard()
}

// witnessRegion stores the third copy of claims and observes. Nothing in the chain waits for it.
func (r region) witnessRegion() {
	r.schedule(everyMinute(loop.FuncObserver, r.function(loop.FuncObserver, nil)))
	r.observerAlarms(r.pager())
}
