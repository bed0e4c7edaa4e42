package target

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// S3API is the part of S3 that is used here; *s3.Client implements it.
type S3API interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// S3 puts an object whose metadata holds the fence. It reads what stands and puts only over that (If-Match), or
// only where nothing stands (If-None-Match): S3 itself refuses a put that another one came before.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func S3(clients Clients[S3API]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		path, ok := strings.CutPrefix(r.URL, "s3://")
		bucket, key, found := strings.Cut(path, "/")
		if !ok || !found {
			return refused("the resource is not of the form s3://bucket/object")
		}
		api := clients(r.Headers["region"])
		in := &s3.PutObjectInput{
			Bucket: &bucket, Key: &key, Body: strings.NewReader(r.Body), ContentType: optional(r.Headers["content_type"]),
			Metadata: map[string]string{loop.AttributeFence: string(e.Fence), loop.AttributeEffect: e.ID},
		}
		reading, call := watch(ctx)
		head, err := api.HeadObject(reading, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		switch {
		case statusOf(err) == http.StatusNotFound:
			in.IfNoneMatch = aws.String("*")
		case err != nil:
			return call.before(err)
		default:
			if a, more := standing(head.Metadata[loop.AttributeFence], e); !more {
				return a
			}
			in.IfMatch = head.ETag
		}
		ctx, call = watch(ctx)
		out, err := api.PutObject(ctx, in)
		switch {
		case overtaken(err):
			return unsent("the object changed while it was compared")
		case err != nil:
			return call.answer(err)
		}
		return delivered("object %s", aws.ToString(out.ETag))
	})
}

// overtaken says whether S3 refused a put because the object is no longer the one that was read.
func overtaken(err error) bool {
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey": // the last: deleted since
		return true
	}
	return false
}
