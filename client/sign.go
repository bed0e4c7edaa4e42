package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// service is what the HTTP API is called in a signature's scope.
const service = "execute-api"

// Signer proves who sends a request. It is asked before every attempt: a signature is good for minutes only.
type Signer interface {
	Sign(ctx context.Context, req *http.Request, region string, body []byte) error
}

// SigV4 signs with AWS credentials; the body's hash is part of the signature.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
type SigV4 struct {
	Credentials aws.CredentialsProvider
	Now         func() time.Time
}

var _ Signer = SigV4{}

// Sign implements Signer.
func (s SigV4) Sign(ctx context.Context, req *http.Request, region string, body []byte) error {
	creds, err := s.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("no AWS credentials to sign with: %w", err)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hash, service, region, s.Now()); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	return nil
}
