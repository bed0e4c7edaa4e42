package main

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// Nothing of the archive is there where no input asks for it.
func TestNoArchiveUnlessAnInputIsArchived(t *testing.T) {
	for name, template := range made.pair.stacks {
		for id, r := range template.Resources {
			if strings.Contains(strings.ToLower(id), "archive") || r.Type == "AWS::S3::Bucket" {
				t.Errorf("%s has %s", name, id)
			}
		}
	}
	if got := strings.Contains(text(made.pair.stacks["ub-us-east-2"].Resources), "ub-archive"); got {
		t.Error("a role or policy speaks of the archive")
	}
}

func TestTheArchiveIsClosedAndForgets(t *testing.T) {
	buckets := 0
	made.archived.each("AWS::S3::Bucket", func(stack, _ string, r resource) {
		buckets++
		if name := text(r.Properties["BucketName"]); name != "ub-archive-123456789012-"+strings.TrimPrefix(stack, "ub-") {
			t.Errorf("%s: %s", stack, name)
		}
		for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if get(r.Properties, "PublicAccessBlockConfiguration", block) != true {
				t.Errorf("%s: %s is not on", stack, block)
			}
		}
		encryption := list(get(r.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration"))
		if len(encryption) != 1 || get(encryption[0], "ServerSideEncryptionByDefault", "SSEAlgorithm") != "AES256" {
			t.Errorf("%s: encryption %v", stack, encryption)
		}
		rules := list(get(r.Properties, "LifecycleConfiguration", "Rules"))
		if len(rules) != 1 || get(rules[0], "ExpirationInDays") != 90.0 || get(rules[0], "Status") != "Enabled" {
			t.Errorf("%s: lifecycle %v", stack, rules)
		}
	})
	if buckets != 2 || len(made.archived.findings) > 0 {
		t.Errorf("%d buckets, findings %v", buckets, made.archived.findings)
	}
}

// The function may put its own region's objects, and ingest may send to its queue where its input is archived.
func TestTheArchiveIsLeastPrivileged(t *testing.T) {
	roles := map[string]string{}
	made.archived.each("AWS::IAM::Role", func(stack, _ string, r resource) {
		if stack == "ub-us-east-2" {
			roles[text(r.Properties["RoleName"])] = text(r.Properties["Policies"])
		}
	})
	archive := roles["ub-archive-us-east-2"]
	if strings.Count(archive, "s3:") != 2 || !strings.Contains(archive, "s3:PutObject") { // the action and the ARN
		t.Errorf("archive: %s", archive)
	}
	queue := loop.Name("ub", loop.QueueArchive)
	for name, may := range map[string]bool{"ub-ingest-http-us-east-2": true, "ub-ingest-queue-us-east-2": false, "ub-decide-us-east-2": false, "ub-act-us-east-2": false} {
		policy, known := roles[name]
		if !known || strings.Contains(policy, queue) != may || strings.Contains(policy, "s3:") {
			t.Errorf("%s: %v %s", name, known, policy)
		}
	}
}
