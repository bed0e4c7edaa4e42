// Package secrets makes what producers' secrets are read from. It stands apart, so that only the binary that takes
// signals over HTTP carries SSM's client, whose schemas alone take milliseconds of every start.
package secrets

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/secret"
)

// New makes the store of secrets. It implements app.Secrets.
func New(cfg aws.Config) ingest.Secrets {
	return secret.New(ssm.NewFromConfig(cfg), time.Now)
}
