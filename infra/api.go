package main

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"example.com/unbroken/internal/loop"
)

// Requests a second and burst, per region. The stage's bound is below the account's default of 10,000 and
// 5,000, so that one loop cannot take it all; health has its own, because anyone may call it. Route 53
// takes little of that: two checks, each of about six checkers, every 10 s.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
const (
	stageRate, stageBurst   = 2000, 1000
	healthRate, healthBurst = 50, 100
	canaryRate, canaryBurst = 2, 5 // two a minute; a flood that meets the stage's bound is no reason to leave the region
)

const (
	routeHealth = "GET /v1/health"
	routeCanary = "POST " + loop.CanaryPath
)

func (r region) api() awsapigatewayv2.HttpApi {
	return awsapigatewayv2.NewHttpApi(r.stack, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName:            r.full("api"),
		Description:        jsii.String("unbroken: signals in, outputs out, in " + r.name),
		CreateDefaultStage: jsii.Bool(false), // ours has throttles and access logs
		DefaultAuthorizer:  awsapigatewayv2authorizers.NewHttpIamAuthorizer(),
	})
}

// routes of the HTTP contract. All are IAM-authorized by the API's default but health, which tells nobody
// anything beyond whether this region serves, and the inputs that check other credentials themselves.
func (r region) routes(api awsapigatewayv2.HttpApi, ingest, outputs awslambda.Function) awsapigatewayv2.CfnStage {
	toIngest := awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Ingest"), ingest, nil)
	toOutputs := awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Outputs"), outputs, nil)

	r.route(api, "PostSignals", awsapigatewayv2.HttpMethod_POST, "/v1/signals/{input}", toIngest, nil)
	for _, name := range sortedKeys(r.cfg.Inputs) {
		r.inputRoute(api, name, toIngest)
	}
	r.route(api, "ListOutputs", awsapigatewayv2.HttpMethod_GET, "/v1/outputs", toOutputs, nil)
	r.route(api, "HeadOutputs", awsapigatewayv2.HttpMethod_HEAD, "/v1/outputs", toOutputs, nil)
	r.route(api, "GetOutput", awsapigatewayv2.HttpMethod_GET, "/v1/outputs/{proxy+}", toOutputs, nil)
	r.route(api, "HeadOutput", awsapigatewayv2.HttpMethod_HEAD, "/v1/outputs/{proxy+}", toOutputs, nil)
	health := r.route(api, "GetHealth", awsapigatewayv2.HttpMethod_GET, "/v1/health", toOutputs,
		awsapigatewayv2.NewHttpNoneAuthorizer())
	excuse(health, cdknag.NagPackSuppression{
		Id:     jsii.String("AwsSolutions-APIG4"),
		Reason: jsii.String("health checks carry no credentials; the answer has no detail and the route its own throttle"),
	})
	own := map[string]throttle{routeHealth: {health, healthRate, healthBurst}}
	if r.posts() {
		canary := r.route(api, "PostCanary", awsapigatewayv2.HttpMethod_POST, loop.CanaryPath, toIngest, nil)
		own[routeCanary] = throttle{canary, canaryRate, canaryBurst}
	}
	return r.stage(api, own)
}

// throttle is a route's own.
type throttle struct {
	route       awsapigatewayv2.HttpRoute
	rate, burst float64
}

// posts says whether the region's canary comes over HTTP, among other ways.
func (r region) posts() bool { return slices.Contains(loop.Canaries(r.cfg.Inputs), loop.KindHTTP) }

// inputRoute lets producers in that have no AWS credentials, to an input whose own function checks theirs. The route
// that names the input is chosen before the one with a variable.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html#http-api-develop-routes.evaluation
func (r region) inputRoute(api awsapigatewayv2.HttpApi, name string, to awsapigatewayv2.HttpRouteIntegration) {
	in := r.cfg.Inputs[name]
	if in.Kind != loop.KindHTTP || in.Auth == "" || in.Auth == loop.AuthIAM {
		return
	}
	excuse(r.route(api, "PostSignals-"+name, awsapigatewayv2.HttpMethod_POST, "/v1/signals/"+name, to, awsapigatewayv2.NewHttpNoneAuthorizer()),
		cdknag.NagPackSuppression{
			Id:     jsii.String("AwsSolutions-APIG4"),
			Reason: jsii.String("the input's own credentials, " + in.Auth + ", are checked by ingest-http"),
		})
}

func (r region) route(api awsapigatewayv2.HttpApi, id string, method awsapigatewayv2.HttpMethod, path string,
	to awsapigatewayv2.HttpRouteIntegration, auth awsapigatewayv2.IHttpRouteAuthorizer,
) awsapigatewayv2.HttpRoute {
	return awsapigatewayv2.NewHttpRoute(r.stack, jsii.String(id), &awsapigatewayv2.HttpRouteProps{
		HttpApi:     api,
		RouteKey:    awsapigatewayv2.HttpRouteKey_With(jsii.String(path), method),
		Integration: to,
		Authorizer:  auth,
	})
}

// stage is defined at the lower level, which alone has throttles per route. A route's settings must not
// arrive before the route.
func (r region) stage(api awsapigatewayv2.HttpApi, own map[string]throttle) awsapigatewayv2.CfnStage {
	settings := map[string]interface{}{}
	for key, t := range own {
		settings[key] = map[string]interface{}{"ThrottlingRateLimit": t.rate, "ThrottlingBurstLimit": t.burst}
	}
	// Under /aws/vendedlogs/ the service need not add the group to a resource policy, whose size is limited.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
	logs := awslogs.NewLogGroup(r.stack, jsii.String("ApiLogs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/vendedlogs/" + *r.full("api")),
		Retention:     awslogs.RetentionDays_ONE_MONTH,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	stage := awsapigatewayv2.NewCfnStage(r.stack, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      api.ApiId(),
		StageName:  jsii.String("$default"),
		AutoDeploy: true,
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			DetailedMetricsEnabled: true,
			ThrottlingRateLimit:    jsii.Number(stageRate),
			ThrottlingBurstLimit:   jsii.Number(stageBurst),
		},
		RouteSettings: settings,
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: logs.LogGroupArn(),
			Format:         jsii.String(accessLogFormat),
		},
	})
	for _, key := range sortedKeys(own) {
		stage.Node().AddDependency(own[key].route)
	}
	return stage
}

// accessLogFormat names the caller and the outcome, and no header, query or body: those may hold secrets.
const accessLogFormat = `{"requestId":"$context.requestId","time":"$context.requestTime","ip":"$context.identity.sourceIp",` +
	`"caller":"$context.identity.userArn","route":"$context.routeKey","status":"$context.status",` +
	`"latencyMs":"$context.responseLatency","bytes":"$context.responseLength","error":"$context.integrationErrorMessage"}`

// endpoint is where the region's own API answers: on AWS its own host name, where the deployment has a
// domain, and the generated one otherwise; on an emulator whatever the template says.
func (r region) endpoint(api awsapigatewayv2.HttpApi) *string {
	endpoint := api.ApiEndpoint()
	if before, after, ok := strings.Cut(r.opt.APIEndpoint, "{id}"); ok {
		endpoint = awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String(before), api.ApiId(), jsii.String(after)})
	} else if r.opt.Domain != "" {
		endpoint = jsii.String("https://" + host(r.opt, r.name))
	}
	awscdk.NewCfnOutput(r.stack, jsii.String("Endpoint"), &awscdk.CfnOutputProps{Value: endpoint})
	return endpoint
}
