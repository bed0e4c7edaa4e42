package s3

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
)

// The suite runs over the real SDK client and an emulator where AWS_ENDPOINT_URL names one.
func TestBucket(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	if endpoint == "" {
		t.Skip("AWS_ENDPOINT_URL is not set: start the emulator and set it to run this against AWS's APIs")
	}
	cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion(looptest.HereRegion))
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseEndpoint = aws.String(endpoint)
	looptest.Objects(t, func(t *testing.T) looptest.Bench[looptest.ObjectStore] {
		name := "unbroken-" + loop.H("bucket", t.Name())[:16]
		client, ok := Client(cfg).(*s3.Client)
		if !ok {
			t.Fatal("no client")
		}
		_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
			Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: looptest.HereRegion},
		})
		if err != nil && !strings.Contains(err.Error(), "BucketAlreadyOwnedByYou") {
			t.Fatal(err)
		}
		b := Bucket{API: client, Name: name}
		return looptest.Bench[looptest.ObjectStore]{Here: b, There: b}
	})
}
