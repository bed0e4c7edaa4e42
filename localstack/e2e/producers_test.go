//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/local"
)

// The commands of docs/producers.md for AWS are run as they stand, by the real AWS CLI, where it is installed: what is
// published to the topic, put on the bus and sent to the queue becomes an effect each.
func TestTheCommandsOfTheProducersPageReachTheInbox(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("aws is not installed")
	}
	page, err := os.ReadFile("../../docs/producers.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind, holds string) string {
		t.Helper()
		for _, m := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
			if strings.Contains(m[1], holds) {
				return m[1]
			}
		}
		t.Fatalf("no block of %s with %s", kind, holds)
		return ""
	}
	dir := t.TempDir()
	run := func(script string) {
		t.Helper()
		here := strings.NewReplacer("123456789012", local.Account, "unbroken-inbox", loop.Name(prefix, loop.QueueInbox), "https://sqs.us-east-2.amazonaws.com", suite.EmulatorURL)
		// Version 1 has an endpoint of its own for SQS, whatever the environment says.
		script = "aws() { command aws --endpoint-url " + suite.EmulatorURL + ` "$@"; }` + "\n" + here.Replace(script)
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION="+east, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
			"AWS_PAGER=", "no_proxy=127.0.0.1", "NO_PROXY=127.0.0.1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s\n%v: %s", script, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	three := signals(t, "com.example.notify", 3)
	event := func(s client.Signal) string {
		t.Helper()
		s.Extensions = map[string]string{"state": "stopped"} // what the page's pattern is about
		raw, err := s.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}

	run("aws sns create-topic --name shop")
	run(block("text", "sns subscribe"))
	write("event.json", event(three[0]))
	run("aws sns publish --topic-arn arn:aws:sns:us-east-2:123456789012:shop --message file://event.json")

	// Only AWS may say aws.ec2 on its bus.
	write("pattern.json", strings.Replace(block("pattern", "aws.ec2"), "aws.ec2", "shop.ec2", 1))
	run(block("text", "events put-rule"))
	entries, err := json.Marshal([]map[string]string{{"Source": "shop.ec2", "DetailType": "EC2 Instance State-change Notification", "Detail": event(three[1])}})
	if err != nil {
		t.Fatal(err)
	}
	write("entries.json", string(entries))
	run("aws events put-events --entries file://entries.json")

	write("event.json", event(three[2]))
	run(block("text", "sqs send-message"))

	counts := map[string]int{}
	until(t, time.Minute, func(ctx context.Context) (err error) {
		if counts, err = received(ctx, "/notify/"+t.Name()); err == nil && len(counts) < len(three) {
			err = fmt.Errorf("%d of %d effects", len(counts), len(three))
		}
		return err
	})
	for _, s := range three {
		single(t, hookID(s), counts[hookID(s)])
	}
}
