package target

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfig"
	"github.com/aws/aws-sdk-go-v2/service/appconfig/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// AppConfigAPI is the part of AppConfig that is used here; *appconfig.Client implements it.
type AppConfigAPI interface {
	ListHostedConfigurationVersions(context.Context, *appconfig.ListHostedConfigurationVersionsInput, ...func(*appconfig.Options)) (*appconfig.ListHostedConfigurationVersionsOutput, error)
	CreateHostedConfigurationVersion(context.Context, *appconfig.CreateHostedConfigurationVersionInput, ...func(*appconfig.Options)) (*appconfig.CreateHostedConfigurationVersionOutput, error)
}

// AppConfig creates a hosted version of a profile, provided that the newest one is still the one whose fence was
// read. The description holds the fence; the label is the effect's id, of which AppConfig takes only one. Deploying
// a version is not part of it. A profile needs a first version, since only an existing one can be compared with.
// https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_CreateHostedConfigurationVersion.html
func AppConfig(clients Clients[AppConfigAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		path, ok := strings.CutPrefix(r.URL, "appconfig://")
		application, profile, found := strings.Cut(path, "/")
		if !ok || !found {
			return refused("the resource is not of the form appconfig://application/profile")
		}
		api := clients(r.Headers["region"])
		reading, call := watch(ctx)
		newest, err := newestVersion(reading, api, application, profile)
		switch {
		case err != nil:
			return call.before(err)
		case newest.VersionNumber == 0:
			return refused("the profile has no version to compare with: create a first one")
		}
		if a, more := standing(described(aws.ToString(newest.Description)), e); !more {
			return a
		}
		ctx, call = watch(ctx)
		out, err := api.CreateHostedConfigurationVersion(ctx, &appconfig.CreateHostedConfigurationVersionInput{
			ApplicationId: &application, ConfigurationProfileId: &profile, Content: []byte(r.Body),
			ContentType: aws.String(r.Headers["content_type"]), LatestVersionNumber: &newest.VersionNumber,
			Description: aws.String(describe(e)), VersionLabel: &e.ID,
		})
		if _, overtaken := errors.AsType[*types.ConflictException](err); overtaken {
			return unsent("the profile changed while it was compared")
		}
		if err != nil {
			return call.answer(err)
		}
		return delivered("version %d", out.VersionNumber)
	})
}

// newestVersion is the one with the greatest number, the zero value where there is none.
func newestVersion(ctx context.Context, api AppConfigAPI, application, profile string) (newest types.HostedConfigurationVersionSummary, err error) {
	in := &appconfig.ListHostedConfigurationVersionsInput{ApplicationId: &application, ConfigurationProfileId: &profile}
	for {
		out, err := api.ListHostedConfigurationVersions(ctx, in)
		if err != nil {
			return newest, err
		}
		for _, v := range out.Items {
			if v.VersionNumber > newest.VersionNumber {
				newest = v
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return newest, nil
		}
		in.NextToken = out.NextToken
	}
}
