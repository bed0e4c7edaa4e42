package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/failover"
	"example.com/unbroken/internal/loop"
)

// names defines {prefix}-dns: the loop's name, answered with a region whose health check holds, by the policy of loop.yaml.
// It is the last stack, because Route 53 accepts a check on an alarm only once the alarm exists, and each
// region is judged by alarms in all of them. Once deployed it is never called again: data planes flip.
func names(app awscdk.App, cfg *loop.Config, opt Options, after []awscdk.Stack) {
	regions := cfg.Regions.All()
	d := newRegion(app, cfg, opt, regions[len(regions)-1], "dns")
	for _, s := range after {
		d.stack.AddStackDependency(s, jsii.String("its alarms"))
	}
	for _, planned := range failover.Records(cfg) {
		name := planned.Region
		record := &awsroute53.CfnRecordSetProps{
			HostedZoneId:  jsii.String(opt.HostedZone),
			Name:          jsii.String(opt.Domain),
			Type:          jsii.String("A"),
			SetIdentifier: jsii.String(name),
			AliasTarget: &awsroute53.CfnRecordSet_AliasTargetProperty{
				DnsName:      jsii.String(host(opt, name)),
				HostedZoneId: jsii.String(opt.HostedZone),
				// Judged by the calculated check alone; when all look dead, all are answered.
				EvaluateTargetHealth: false,
			},
		}
		switch {
		case planned.Latency:
			record.Region = jsii.String(name)
		case planned.Weight != nil:
			record.Weight = jsii.Number(*planned.Weight)
		default:
			record.Failover = jsii.String(planned.Role)
		}
		// With one region there is nowhere else to go.
		if len(cfg.Regions.Loop) > 1 && opt.healthChecks() {
			record.HealthCheckId = d.regionCheck(name)
		}
		awsroute53.NewCfnRecordSet(d.stack, jsii.String("Record"+constructID(name)), record)
	}
}

// regionCheck makes a region's checks and returns the one that decides.
func (r region) regionCheck(name string) *string {
	ids := map[string]*string{}
	var last *string
	for _, c := range failover.Checks(r.cfg, r.opt.Domain, name) {
		last = r.check(constructID(name)+c.Name, checkConfig(c, ids))
		ids[c.Name] = last
	}
	return last
}

// checkConfig is a check as Route 53 takes it; ids are those of the checks made so far.
func checkConfig(c failover.Check, ids map[string]*string) *awsroute53.CfnHealthCheck_HealthCheckConfigProperty {
	switch {
	case c.Endpoint != "":
		return &awsroute53.CfnHealthCheck_HealthCheckConfigProperty{
			Type:                     jsii.String("HTTPS"),
			FullyQualifiedDomainName: jsii.String(c.Endpoint),
			Port:                     jsii.Number(443),
			ResourcePath:             jsii.String(failover.Path),
			EnableSni:                true,
			RequestInterval:          jsii.Number(failover.Interval),
			FailureThreshold:         jsii.Number(failover.Threshold),
			Regions:                  jsii.Strings(failover.Checkers()...),
		}
	case c.Alarm.Name != "":
		return &awsroute53.CfnHealthCheck_HealthCheckConfigProperty{
			Type: jsii.String("CLOUDWATCH_METRIC"),
			AlarmIdentifier: &awsroute53.CfnHealthCheck_AlarmIdentifierProperty{
				Name: jsii.String(c.Alarm.Name), Region: jsii.String(c.Alarm.Region),
			},
			InsufficientDataHealthStatus: jsii.String("Healthy"), // silence does not vote
		}
	default:
		var children []*string
		for _, name := range c.Children {
			children = append(children, ids[name])
		}
		return &awsroute53.CfnHealthCheck_HealthCheckConfigProperty{
			Type:              jsii.String("CALCULATED"),
			ChildHealthChecks: &children,
			HealthThreshold:   jsii.Number(c.AtLeast),
		}
	}
}

func (r region) check(id string, config *awsroute53.CfnHealthCheck_HealthCheckConfigProperty) *string {
	return awsroute53.NewCfnHealthCheck(r.stack, jsii.String(id+"Check"), &awsroute53.CfnHealthCheckProps{
		HealthCheckConfig: config,
		HealthCheckTags: &[]*awsroute53.CfnHealthCheck_HealthCheckTagProperty{
			{Key: jsii.String("Name"), Value: r.full(id)},
		},
	}).AttrHealthCheckId()
}
