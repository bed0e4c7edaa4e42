// Package shelf makes what the archive is written to. It stands apart, so that only the archive's binary carries S3's
// client.
package shelf

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/archive"
	"example.com/unbroken/internal/s3"
)

// New makes the store. It implements app.Shelf.
func New(cfg aws.Config, bucket string) archive.Store {
	return s3.Bucket{API: s3.Client(cfg), Name: bucket}
}
