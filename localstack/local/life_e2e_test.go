//go:build e2e && linux

package local_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"example.com/unbroken/localstack/local"
)

func TestAnnouncedWorldIsFoundOnceAndOnlyWhileItRuns(t *testing.T) {
	t.Parallel()
	w := start(t)
	if _, err := local.Find(t.Context(), w.Dir); !errors.Is(err, local.ErrNotRunning) {
		t.Errorf("before it is announced: %v", err)
	}
	if err := w.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	site, err := local.Find(t.Context(), w.Dir)
	if err != nil || site.EdgeURL != w.EdgeURL || site.EmulatorURL != w.EmulatorURL || site.ReceiverURL != w.ReceiverURL {
		t.Errorf("found %+v %v", site, err)
	}
	if err := w.Announce(t.Context()); !errors.Is(err, local.ErrRunning) {
		t.Errorf("announced twice: %v", err)
	}
	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Find(t.Context(), w.Dir); !errors.Is(err, local.ErrNotRunning) {
		t.Errorf("after it stopped: %v", err)
	}
}

// ownerFolder tells the test binary to be a process that owns a world and is killed.
const ownerFolder = "UNBROKEN_TEST_OWNER_FOLDER"

func TestOwner(t *testing.T) {
	dir := os.Getenv(ownerFolder)
	if dir == "" {
		t.Skip("only as the child of TestAKilledOwnerLeavesNoProcess")
	}
	w, err := local.Start(t.Context(), local.Options{Dir: dir, Venv: venv(t), Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	invoke(t, w, []byte(`{}`)) // so that a function's process is there, too
	_, _ = os.Stdout.WriteString("\nready\n")
	_ = w.Wait(t.Context()) // until the parent kills us
}

func TestAKilledOwnerLeavesNoProcess(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	owner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOwner$", "-test.v")
	owner.Env = append(os.Environ(), ownerFolder+"="+dir)
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		t.Log(lines.Text())
	}
	if n := len(processesIn(dir)); n < 2 {
		t.Errorf("%d processes, want the emulator and a function", n)
	}
	if _, err := local.Find(t.Context(), dir); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	noneLeft(t, dir)
	if _, err := local.Find(t.Context(), dir); !errors.Is(err, local.ErrNotRunning) {
		t.Errorf("its announcement is stale but believed: %v", err)
	}
	// Who comes next is not held up by what was left behind.
	w, err := local.Start(t.Context(), local.Options{Dir: dir, Venv: venv(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Announce(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.Stop(); err != nil {
		t.Error(err)
	}
}

func TestAStartThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	w := start(t)
	// What answers on a taken port is another emulator, and must not be believed to be ours.
	_, err := local.Start(t.Context(), local.Options{Dir: dir, Venv: venv(t), EmulatorPort: port(t, w.EmulatorURL)})
	if err == nil {
		t.Fatal("two emulators on one port")
	}
	if !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
	// An emulator that ends at once: its own words say why.
	_, err = local.Start(t.Context(), local.Options{Dir: dir, Venv: venv(t), Env: []string{"GATEWAY_PORT=nonsense"}})
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
	noneLeft(t, dir)
}

func port(t *testing.T, address string) int {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// invoke creates a function and calls it once.
func invoke(t *testing.T, w *local.World, payload []byte) {
	t.Helper()
	code, err := os.ReadFile(bootstrap(t))
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	f, err := z.CreateHeader(header)
	if err == nil {
		_, err = f.Write(code)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	client := lambda.NewFromConfig(w.AWS(east))
	if _, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::000000000000:role/f"),
		Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Code: &types.FunctionCode{ZipFile: archive.Bytes()},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: payload}); err != nil {
		t.Fatal(err)
	}
}
