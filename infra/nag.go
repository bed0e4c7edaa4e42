package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// guard checks every resource against cdk-nag's AwsSolutions rules. A finding is an error: synth fails unless
// it is excused, with the reason, beside the line that causes it.
func guard(app awscdk.App) {
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		Verbose: jsii.Bool(true),
		Reports: jsii.Bool(false),
	}), nil)
}

func excuse(c constructs.IConstruct, suppressions ...cdknag.NagPackSuppression) {
	list := make([]*cdknag.NagPackSuppression, len(suppressions))
	for i := range suppressions {
		list[i] = &suppressions[i]
	}
	cdknag.NagSuppressions_AddResourceSuppressions(c, &list, jsii.Bool(true))
}
