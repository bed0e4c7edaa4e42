package main

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// failover defines {prefix}-dns: the loop's name, answered by the nearest region whose health check holds.
// It is the last stack, because Route 53 accepts a check on an alarm only once the alarm exists, and each
// region is judged by alarms in all of them. Once deployed it is never called again: data planes flip.
func failover(app awscdk.App, cfg *loop.Config, opt Options, after []awscdk.Stack) {
	regions := cfg.Regions.All()
	d := newRegion(app, cfg, opt, regions[len(regions)-1], "dns")
	for _, s := range after {
		d.stack.AddStackDependency(s, jsii.String("its alarms"))
	}
	for _, name := range cfg.Regions.Loop {
		record := &awsroute53.CfnRecordSetProps{
			HostedZoneId:  jsii.String(opt.HostedZone),
			Name:          jsii.String(opt.Domain),
			Type:          jsii.String("A"),
			SetIdentifier: jsii.String(name),
			Region:        jsii.String(name), // by latency
			AliasTarget: &awsroute53.CfnRecordSet_AliasTargetProperty{
				DnsName:      jsii.String(host(opt, name)),
				HostedZoneId: jsii.String(opt.HostedZone),
				// Judged by the calculated check alone; when all look dead, all are answered.
				EvaluateTargetHealth: false,
			},
		}
		// With one region there is nowhere else to go.
		if len(cfg.Regions.Loop) > 1 && opt.healthChecks() {
			record.HealthCheckId = d.regionCheck(name)
		}
		awsroute53.NewCfnRecordSet(d.stack, jsii.String("Record"+constructID(name)), record)
	}
}

// regionCheck is healthy when its endpoint is and at least two of three observers do not object. Calculated
// checks cannot nest, so that is one sum: the endpoint counts twice, each observer once, and 4 of 5 must hold.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-types.html
func (r region) regionCheck(name string) *string {
	id := constructID(name)
	var children []*string
	for _, twin := range []string{"A", "B"} {
		children = append(children, r.check(id+"Endpoint"+twin, &awsroute53.CfnHealthCheck_HealthCheckConfigProperty{
			Type:                     jsii.String("HTTPS"),
			FullyQualifiedDomainName: jsii.String(host(r.opt, name)),
			Port:                     jsii.Number(443),
			ResourcePath:             jsii.String("/v1/health"),
			EnableSni:                true,
			RequestInterval:          jsii.Number(10), // fixed at creation
			FailureThreshold:         jsii.Number(3),
		}))
	}
	for i, observer := range r.cfg.Regions.All() {
		children = append(children, r.check(id+"Observer"+strconv.Itoa(i+1), &awsroute53.CfnHealthCheck_HealthCheckConfigProperty{
			Type: jsii.String("CLOUDWATCH_METRIC"),
			AlarmIdentifier: &awsroute53.CfnHealthCheck_AlarmIdentifierProperty{
				Name:   r.full(objectionAlarm(name)),
				Region: jsii.String(observer),
			},
			InsufficientDataHealthStatus: jsii.String("Healthy"), // silence does not vote
		}))
	}
	return r.check(id, &awsroute53.CfnHealthCheck_HealthCheckConfigProperty{
		Type:              jsii.String("CALCULATED"),
		ChildHealthChecks: &children,
		HealthThreshold:   jsii.Number(float64(len(children) - 1)),
	})
}

func (r region) check(id string, config *awsroute53.CfnHealthCheck_HealthCheckConfigProperty) *string {
	return awsroute53.NewCfnHealthCheck(r.stack, jsii.String(id+"Check"), &awsroute53.CfnHealthCheckProps{
		HealthCheckConfig: config,
		HealthCheckTags: &[]*awsroute53.CfnHealthCheck_HealthCheckTagProperty{
			{Key: jsii.String("Name"), Value: r.full(id)},
		},
	}).AttrHealthCheckId()
}
