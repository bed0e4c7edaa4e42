package local

import (
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/localstack/edge"
)

// Site is where a running world is found.
type Site struct {
	Dir         string            // the repository; .local/ in it holds what must be remembered
	EdgeURL     string            // what clients and functions use
	EmulatorURL string            // behind the edge: reachable when a region is cut
	ReceiverURL string            // the webhook target
	DNS         string            // host:port that answers for the hosted zones, over UDP and TCP
	Regions     map[string]string // each region's own address on loopback, where the edge serves its API
	Log         io.Writer         // progress of Deploy; nothing if nil
}

// Edge returns a client for the edge's control API.
func (s *Site) Edge() *edge.Client { return &edge.Client{URL: s.EdgeURL} }

// Env is the environment in which any AWS client, SDK or command line, speaks to this world.
// S3 has a variable of its own because of cdk: without it cdk addresses buckets by host name.
func (s *Site) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.EdgeURL,
		"AWS_ENDPOINT_URL_S3=" + s.EdgeURL,
		"AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test",
		"AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// APIURL is where an HTTP API answers through the edge. The ApiEndpoint in a stack's outputs
// names the emulator itself, by a host name that does not resolve.
func (s *Site) APIURL(id string) string { return s.EdgeURL + "/_aws/execute-api/" + id + "/$default" }

// AWS configures an SDK client that comes in through the edge, as a producer would.
func (s *Site) AWS(region string) aws.Config { return config(s.EdgeURL, region) }

// direct configures an SDK client that goes around the edge.
func (s *Site) direct(region string) aws.Config { return config(s.EmulatorURL, region) }

func config(url, region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}

func (s *Site) log() io.Writer {
	if s.Log == nil {
		return io.Discard
	}
	return s.Log
}
