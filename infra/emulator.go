package main

import (
	"runtime"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
)

// Everything `-c emulator=1` changes is in this file; a test compares the templates of both modes.

// disposable: local state ends with the emulator's process, and a table that refuses deletion would only
// keep `cdk destroy` from working.
func (o Options) disposable() bool { return o.Emulator }

// healthChecks: an AWS::Route53::HealthCheck rejects the whole stack ("Unsupported resource type"), and nothing
// there would evaluate one. Records stand without; they only exist where a domain is given.
func (o Options) healthChecks() bool { return !o.Emulator }

// architecture: the emulator runs bootstrap directly on the host; AWS runs Graviton.
func (o Options) architecture() awslambda.Architecture {
	if o.Emulator && runtime.GOARCH != "arm64" {
		return awslambda.Architecture_X86_64()
	}
	return awslambda.Architecture_ARM_64()
}
