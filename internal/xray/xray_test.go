package xray

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

const (
	root      = "1-5759e988-bd862e3fe1be46a994272793"
	sampledIn = "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:abc:0"
	skippedIn = "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=0"
)

// invocation is the context of a Lambda function that was called with a trace header.
func invocation(ctx context.Context, header string) context.Context {
	return context.WithValue(ctx, contextKey, header) //nolint:staticcheck // aws-lambda-go's own key is a string
}

func TestTheHeaderGoesOn(t *testing.T) {
	t.Parallel()
	for header, id := range map[string]string{sampledIn: root, skippedIn: root, "": "", "Sampled=1": ""} {
		ctx := invocation(t.Context(), header)
		if Header(ctx) != header || TraceID(ctx) != id {
			t.Errorf("%q: header %q, trace %q", header, Header(ctx), TraceID(ctx))
		}
	}
	if Header(t.Context()) != "" || TraceID(t.Context()) != "" {
		t.Error("a trace out of nowhere")
	}
	if Header(context.WithValue(t.Context(), contextKey, 1)) != "" { //nolint:staticcheck // see invocation
		t.Error("a header that is no string")
	}
}

func TestWithinASubsegmentTheHeaderNamesIt(t *testing.T) {
	t.Parallel()
	var outer, inner string
	err := Capture(invocation(t.Context(), sampledIn), "decide", func(ctx context.Context) error {
		outer = Header(ctx)
		return Capture(ctx, "episodes", func(ctx context.Context) error {
			inner = Header(ctx)
			return nil
		})
	})
	for _, h := range []string{outer, inner} {
		if field(h, "Root") != root || field(h, "Sampled") != "1" || len(field(h, "Parent")) != 16 || field(h, "Parent") == "53995c3f42cd8ad8" {
			t.Errorf("header %q", h)
		}
	}
	if err != nil || outer == inner {
		t.Errorf("%v, %q, %q", err, outer, inner)
	}
}

func TestWhatIsNotSampledRunsAsItIs(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", skippedIn, "Root=" + root + ";Sampled=?", "nonsense"} {
		ctx := invocation(t.Context(), header)
		wrong := errors.New("wrong")
		err := Capture(ctx, "decide", func(inner context.Context) error {
			if inner != ctx {
				t.Errorf("%q: the context was changed", header)
			}
			return wrong
		})
		if !errors.Is(err, wrong) {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func TestErrorsAndPanicsPassThrough(t *testing.T) {
	t.Parallel()
	ctx := invocation(t.Context(), sampledIn)
	wrong := errors.New("wrong")
	if err := Capture(ctx, "decide", func(context.Context) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
	defer func() {
		if recover() != "boom" {
			t.Error("the panic did not pass")
		}
	}()
	_ = Capture(ctx, "decide", func(context.Context) error { panic("boom") })
}

// function is run in a process of its own by the test below, since the SDK reads its environment when it starts.
func TestMain(m *testing.M) {
	if os.Getenv("XRAY_TEST_FUNCTION") == "" {
		os.Exit(m.Run())
	}
	Quiet()
	ctx := context.Background()
	for _, header := range []string{"", skippedIn, sampledIn} {
		for range 3 { // the second write to a closed port is the one that fails
			_ = Capture(invocation(ctx, header), "decide", func(context.Context) error {
				return loop.Refuse(loop.CodeRuleFailed, "payload-4111")
			})
		}
	}
}

func run(t *testing.T, daemon string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "XRAY_TEST_FUNCTION=1", "AWS_XRAY_DAEMON_ADDRESS="+daemon)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestWithoutADaemonNothingIsPrinted(t *testing.T) {
	t.Parallel()
	if out := run(t, "127.0.0.1:9"); out != "" {
		t.Errorf("printed %q", out)
	}
}

func TestTheDaemonGetsSampledSubsegmentsWithoutErrorTexts(t *testing.T) {
	t.Parallel()
	daemon, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = daemon.Close() }()
	run(t, daemon.LocalAddr().String())

	var segments []string
	buf := make([]byte, 64<<10)
	for range 3 {
		_ = daemon.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _, err := daemon.ReadFrom(buf)
		if err != nil {
			t.Fatalf("after %d segments: %v", len(segments), err)
		}
		segments = append(segments, string(buf[:n]))
	}
	_ = daemon.SetReadDeadline(time.Now()) // all were sent before the process ended
	if n, _, err := daemon.ReadFrom(buf); err == nil {
		t.Errorf("an unsampled segment: %s", buf[:n])
	}
	for _, s := range segments {
		for _, part := range []string{`"name":"decide"`, root, `"parent_id":"53995c3f42cd8ad8"`, `"fault":true`, "rule_failed"} {
			if !strings.Contains(s, part) {
				t.Errorf("%s is not in %s", part, s)
			}
		}
		if strings.Contains(s, "payload-4111") {
			t.Errorf("the error's text is in %s", s)
		}
	}
}
