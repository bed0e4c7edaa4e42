package target

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfig"
	actypes "github.com/aws/aws-sdk-go-v2/service/appconfig/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
)

// shelf is a resource that holds one thing, with what was noted beside it and how often it was replaced. rival is
// called between a read and the put that follows it.
type shelf struct {
	faults
	mu      sync.Mutex
	version int
	body    *string
	note    string
	rival   func()
}

func shelved(target act.Target, class loop.Class, url, missing string, s *shelf) looptest.TargetBench {
	return looptest.TargetBench{
		Target: target, Class: class, Request: loop.Request{URL: url, Headers: map[string]string{"state": "ALARM", "content_type": "text/plain"}},
		Missing: missing, Holds: s.holds, Arm: s.arm, Calls: s.count,
	}
}

func (s *shelf) holds(*testing.T) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.body == nil {
		return nil
	}
	return []string{*s.body}
}

func (s *shelf) look() (version int, note string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.note
}

// put replaces what stands if it is still the version given, -1 for any.
func (s *shelf) put(ctx context.Context, version int, body, note string, conflict error) error {
	if rival := s.rival; rival != nil {
		s.rival = nil
		rival()
	}
	return s.around(ctx, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if version >= 0 && version != s.version {
			return conflict
		}
		s.version, s.body, s.note = s.version+1, &body, note
		return nil
	})
}

type fakeS3 struct{ shelf }

func (f *fakeS3) HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	version, fence := f.look()
	if version == 0 {
		return nil, answered(http.StatusNotFound, "NotFound")
	}
	return &s3.HeadObjectOutput{ETag: aws.String(strconv.Itoa(version)), Metadata: map[string]string{loop.AttributeFence: fence}}, nil
}

func (f *fakeS3) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if *in.Bucket != "flags" {
		return nil, answered(http.StatusNotFound, "NoSuchBucket")
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	version := -1
	switch {
	case in.IfMatch != nil:
		version, err = strconv.Atoi(*in.IfMatch)
	case aws.ToString(in.IfNoneMatch) == "*":
		version = 0
	}
	if err != nil {
		return nil, err
	}
	return &s3.PutObjectOutput{}, f.put(ctx, version, string(body), in.Metadata[loop.AttributeFence], answered(http.StatusPreconditionFailed, "PreconditionFailed"))
}

// fakeAppConfig lists its versions with the newest last, one a page.
type fakeAppConfig struct{ shelf }

func (f *fakeAppConfig) ListHostedConfigurationVersions(_ context.Context, in *appconfig.ListHostedConfigurationVersionsInput, _ ...func(*appconfig.Options)) (*appconfig.ListHostedConfigurationVersionsOutput, error) {
	if *in.ConfigurationProfileId != "def5678" {
		return nil, answered(http.StatusNotFound, "ResourceNotFoundException")
	}
	version, note := f.look()
	if in.NextToken == nil && version > 1 {
		return &appconfig.ListHostedConfigurationVersionsOutput{NextToken: aws.String("x"), Items: []actypes.HostedConfigurationVersionSummary{{VersionNumber: 1}}}, nil
	}
	out := &appconfig.ListHostedConfigurationVersionsOutput{}
	if version > 0 {
		out.Items = []actypes.HostedConfigurationVersionSummary{{VersionNumber: int32(version), Description: &note}}
	}
	return out, nil
}

func (f *fakeAppConfig) CreateHostedConfigurationVersion(ctx context.Context, in *appconfig.CreateHostedConfigurationVersionInput, _ ...func(*appconfig.Options)) (*appconfig.CreateHostedConfigurationVersionOutput, error) {
	version := -1
	if in.LatestVersionNumber != nil {
		version = int(*in.LatestVersionNumber)
	}
	return &appconfig.CreateHostedConfigurationVersionOutput{}, f.put(ctx, version, string(in.Content), *in.Description, answeredAs(http.StatusConflict, &actypes.ConflictException{}))
}

type fakeAlarm struct{ shelf }

func (f *fakeAlarm) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	if in.AlarmNames[0] != "errors" {
		return &cloudwatch.DescribeAlarmsOutput{}, nil
	}
	_, data := f.look()
	return &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []cwtypes.MetricAlarm{{StateReasonData: &data}}}, nil
}

func (f *fakeAlarm) SetAlarmState(ctx context.Context, in *cloudwatch.SetAlarmStateInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error) {
	return &cloudwatch.SetAlarmStateOutput{}, f.put(ctx, -1, *in.StateReason, *in.StateReasonData, nil)
}

type fakeMetric struct{ *mailbox }

func (f fakeMetric) PutMetricData(ctx context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	return &cloudwatch.PutMetricDataOutput{}, f.take(ctx, *in.Namespace, fmt.Sprint(*in.MetricData[0].Value), nil)
}

// A put that another one came before is refused by the target itself, and nothing of it is applied.
func TestRivalBetweenReadAndPutWins(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func() (act.Target, *shelf, string){
		"S3": func() (act.Target, *shelf, string) {
			f := &fakeS3{}
			return S3(only[S3API](f)), &f.shelf, "s3://flags/a"
		},
		"AppConfig": func() (act.Target, *shelf, string) {
			f := &fakeAppConfig{shelf: shelf{version: 1}}
			return AppConfig(only[AppConfigAPI](f)), &f.shelf, "appconfig://abc1234/def5678"
		},
	} {
		target, s, url := open()
		effect := func(fence string) loop.Effect {
			return loop.Effect{ID: fence, Fence: loop.Fence(fence), Request: &loop.Request{URL: url, Body: fence, Headers: map[string]string{"content_type": "text/plain"}}}
		}
		for _, c := range []struct {
			rival, ours string
			after       act.Verdict // of our second attempt
		}{{"2", "1", act.Outdated}, {"4", "5", act.Delivered}} {
			s.rival = func() {
				if a := target.Deliver(t.Context(), effect(c.rival)); a.Verdict != act.Delivered {
					t.Errorf("%s: the rival got %d (%s)", name, a.Verdict, a.Evidence)
				}
			}
			if a := target.Deliver(t.Context(), effect(c.ours)); a.Verdict != act.Unsent {
				t.Errorf("%s: got %d (%s), want Unsent", name, a.Verdict, a.Evidence)
			}
			if a := target.Deliver(t.Context(), effect(c.ours)); a.Verdict != c.after {
				t.Errorf("%s: then got %d (%s), want %d", name, a.Verdict, a.Evidence, c.after)
			}
		}
	}
}

func TestProfileWithoutVersionIsRefused(t *testing.T) {
	t.Parallel()
	e := example(loop.TargetAppConfig)
	if a := AppConfig(only[AppConfigAPI](&fakeAppConfig{})).Deliver(t.Context(), e); a.Verdict != act.Refused {
		t.Errorf("got %d (%s)", a.Verdict, a.Evidence)
	}
}
