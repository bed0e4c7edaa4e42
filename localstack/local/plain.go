package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"example.com/unbroken/localstack/edge"
)

// apiError is what an AWS API refused with.
type apiError struct {
	Operation string
	Status    int
	Code      string
	Message   string
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.Operation, e.Status, e.Code, e.Message)
}

// events calls EventBridge around the edge. Two of its calls do not justify its SDK.
func (s *Site) events(ctx context.Context, region, operation string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.EmulatorURL+"/", bytes.NewReader(text))
	if err != nil {
		return err
	}
	edge.Scope(req.Header, region, "events")
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSEvents."+operation)
	answer, err := send(req, operation)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}

// stackExists asks CloudFormation, which speaks the query protocol, around the edge.
func (s *Site) stackExists(ctx context.Context, region, stack string) bool {
	form := url.Values{"Action": {"DescribeStacks"}, "Version": {"2010-05-15"}, "StackName": {stack}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.EmulatorURL+"/", strings.NewReader(form.Encode()))
	if err != nil {
		return false
	}
	edge.Scope(req.Header, region, "cloudformation")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := send(req, "DescribeStacks")
	return err == nil && bytes.Contains(answer, []byte("_COMPLETE</StackStatus>"))
}

func send(req *http.Request, operation string) ([]byte, error) {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	if res.StatusCode >= 300 {
		var detail struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(answer, &detail)
		code := detail.Type[strings.LastIndexByte(detail.Type, '#')+1:]
		return nil, &apiError{Operation: operation, Status: res.StatusCode, Code: code, Message: detail.Message}
	}
	return answer, nil
}
