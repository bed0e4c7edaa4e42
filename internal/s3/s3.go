// Package s3 keeps the archive's objects in a bucket. It implements archive.Store, and what the command line reads with.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/unbroken/internal/loop"
)

// API is the part of S3 that is used here; *s3.Client implements it.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Bucket is one bucket.
type Bucket struct {
	API  API
	Name string
}

// Client makes the client of a region, or of whatever stands in for AWS: an address in the path needs no DNS.
func Client(cfg aws.Config) API {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil })
}

// Put implements archive.Store.
func (b Bucket) Put(ctx context.Context, key string, body []byte) error {
	_, err := b.API.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.Name, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/gzip"),
	})
	if err != nil {
		return fmt.Errorf("put s3://%s/%s: %w", b.Name, key, err)
	}
	return nil
}

// Get opens an object; loop.ErrNotFound where there is none.
func (b Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := b.API.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Name, Key: &key})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		err = loop.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("get s3://%s/%s: %w", b.Name, key, err)
	}
	return out.Body, nil
}

// Keys lists the objects under a prefix in the order of their names, page by page.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (b Bucket) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &prefix}
		for {
			page, err := b.API.ListObjectsV2(ctx, in)
			if err != nil {
				yield("", fmt.Errorf("list s3://%s/%s: %w", b.Name, prefix, err))
				return
			}
			for _, o := range page.Contents {
				if !yield(aws.ToString(o.Key), nil) {
					return
				}
			}
			if page.NextContinuationToken == nil {
				return
			}
			in.ContinuationToken = page.NextContinuationToken
		}
	}
}
