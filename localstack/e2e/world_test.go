//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/localstack/local"
)

const (
	east, west   = "us-east-2", "us-west-2"
	third        = "us-east-1" // the witness; a loop region where observers drain
	prefix       = "e2e"
	standbyDelay = 3 * time.Second
	scale        = 10 // how much faster than AWS alarms, queue metrics and health checks go
	secret       = "whsec_ZW5kIHRvIGVuZCBzdWl0ZSBvbmx5LCBubyBzZWNyZXQ="
)

// drains is set for the tests in which observers drain: three loop regions, watched as they are on AWS and by its clock. All
// others run where operators drain, for they cut regions off for a moment, and one that observers drain meanwhile would stay so
// for ten minutes. They run beside each other, each in a process of its own.
var drains = os.Getenv("DRAIN") == "automatic"

// suite is the one world that all tests share: starting and deploying takes longer than testing.
var suite struct {
	*local.World
	urls   map[string]string
	queues *queue.Queues
	claims *dynamo.Claims

	heartbeat *outside // where observers drain

	dir string // where loop.yaml and the assets are
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		if err := setUp(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: set up:", err)
			return 1
		}
		defer func() {
			if err := suite.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "e2e: stop:", err)
			}
		}()
		return m.Run()
	}())
}

func setUp(ctx context.Context) error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	name, options := "e2e", local.Options{Dir: root, Secret: secret, Regions: []string{east, west, third}, Scale: scale, NoMetrics: true}
	if drains {
		name, options.Scale, options.NoMetrics = "e2e-drains", 1, false
		if suite.heartbeat, err = listen(filepath.Join(root, "dist")); err != nil {
			return err
		}
		options.Env = append(options.Env, "SSL_CERT_FILE="+suite.heartbeat.roots)
	}
	log, err := os.Create(filepath.Join(root, "dist", name+".log"))
	if err != nil {
		return err
	}
	options.Log = log
	world, err := local.Start(ctx, options)
	if err != nil {
		return err
	}
	suite.World = world
	dir, cfg, err := assets(root, name, strings.TrimPrefix(world.ReceiverURL, "http://"))
	if err != nil {
		return err
	}
	suite.dir = dir
	if err := topic(ctx, world); err != nil {
		return err
	}
	err = world.Deploy(ctx, local.Deployment{Regions: cfg.Regions.All(), Outputs: filepath.Join(dir, "outputs.json"), Context: map[string]string{
		"loop": filepath.Join(dir, "loop.yaml"), "dist": dir, "emulator": "1", "apiEndpoint": world.EdgeURL + "/_aws/execute-api/{id}/$default",
	}})
	if err != nil {
		return fmt.Errorf("%w\nthe log is dist/%s.log", err, name)
	}
	if err := world.Replicate(ctx, prefix, cfg.Regions.Loop, cfg.Regions.Witness); err != nil {
		return err
	}
	if err := world.Failover(ctx, cfg); err != nil {
		return err
	}
	for _, region := range cfg.Regions.Loop {
		if err := world.PutSecret(ctx, region, "/unbroken/webhook", secret); err != nil {
			return err
		}
		if err := world.Invoke(ctx, region, loop.Name(prefix, loop.FuncObserver)); err != nil {
			return err
		}
		if drains {
			continue
		}
		// The suite waits for empty queues; canaries are sent where a test is about them.
		if err := world.Unschedule(ctx, region, loop.Name(prefix, loop.FuncCanary)); err != nil {
			return err
		}
	}
	suite.queues = queue.New(queue.Config{Account: local.Account, Prefix: prefix, Client: queue.Clients(aws.Config{
		BaseEndpoint: aws.String(world.EmulatorURL), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})})
	suite.claims = dynamo.NewClaims(dynamo.Clients(world.AWS(west))(west), prefix)
	suite.urls, err = endpoints(ctx, world, cfg.Regions.Loop)
	return err
}

// assets writes the suite's loop.yaml and puts its bundle beside the functions' binaries.
func assets(root, name, receiver string) (dir string, cfg *loop.Config, err error) {
	dir = filepath.Join(root, "dist", name)
	text, err := os.ReadFile("testdata/loop.yaml")
	if err != nil {
		return "", nil, err
	}
	edits := []string{"RECEIVER", receiver}
	if drains {
		edits = append(edits, "{drain: operator}", "{heartbeat: \""+suite.heartbeat.server.URL+"\"}", "loop: [us-east-2, us-west-2], witness: us-east-1", "loop: [us-east-2, us-west-2, us-east-1]")
	}
	text = []byte(strings.NewReplacer(edits...).Replace(string(text)))
	if cfg, err = rule.Parse("testdata/loop.yaml", text); err != nil {
		return "", nil, err
	}
	bundle, err := rule.Pack(cfg)
	if err != nil {
		return "", nil, err
	}
	for _, f := range []string{"ingest-http", "ingest-queue", "ingest-alarm", "ingest-poll", "decide", "act", "outputs", "observer", "canary", "salvage", "sweeper", "archive"} {
		binary, err := os.ReadFile(filepath.Join(root, "dist", f, "bootstrap"))
		if err != nil {
			return "", nil, fmt.Errorf("%w: run `make functions`", err)
		}
		if err := os.MkdirAll(filepath.Join(dir, f), 0o755); err != nil {
			return "", nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, f, "bootstrap"), binary, 0o755); err != nil {
			return "", nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, f, "bundle.json"), bundle, 0o644); err != nil {
			return "", nil, err
		}
	}
	return dir, cfg, os.WriteFile(filepath.Join(dir, "loop.yaml"), text, 0o644)
}

// endpoints finds where the regions answer, as the command line does: the observers announced it.
func endpoints(ctx context.Context, w *local.World, regions []string) (map[string]string, error) {
	docs := dynamo.NewDocuments(func(region string) dynamo.API { return dynamo.Clients(w.AWS(region))(region) }, prefix, time.Now)
	urls := map[string]string{}
	for _, region := range regions {
		found, err := docs.Query(ctx, east, "endpoint#"+region)
		if err != nil {
			return nil, err
		}
		_, rest, ok := strings.Cut(string(found["v"]), `"url":"`)
		url, _, ok2 := strings.Cut(rest, `"`)
		if !ok || !ok2 {
			return nil, fmt.Errorf("%s has not announced its endpoint: %v", region, found)
		}
		urls[region] = url
	}
	return urls, nil
}

// sender sends to one region over signed HTTP.
func sender(t *testing.T, region, input string) *client.Client {
	t.Helper()
	return within(t, region, input, 20*time.Second)
}

// impatient sends like sender, and soon gives up.
func impatient(t *testing.T, region, input string) *client.Client {
	t.Helper()
	return within(t, region, input, 2*time.Second)
}

func within(t *testing.T, region, input string, limit time.Duration) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{
		Endpoints: []client.Endpoint{{Region: region, URL: suite.urls[region]}}, Input: input,
		Sign: signer(), HTTP: &http.Client{}, Timeout: limit,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func signer() client.SigV4 {
	return client.SigV4{Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Now: time.Now}
}
