package local

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// grace is how long a process may take to end by itself.
const grace = 3 * time.Second

// process is a program in a process group of its own, so that what it starts ends with it:
// the emulator runs every function as a child.
type process struct {
	cmd     *exec.Cmd
	tail    *tail
	done    chan struct{} // closed when the program itself has ended
	err     error         // how; read after done
	cleanup func() error
	grace   time.Duration // how long end waits before it uses force
}

// startProcess starts cmd and watches it. The goroutine keeps its thread: on Linux the kernel
// ends the program when the thread that started it ends (see process_linux.go), and that must
// mean the end of this process.
func startProcess(cmd *exec.Cmd, log io.Writer) (*process, error) {
	p := &process{cmd: cmd, tail: &tail{limit: 4 << 10}, done: make(chan struct{}), grace: grace}
	out := io.MultiWriter(p.tail, log)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = ownGroup()
	// A function that outlives the program would hold its output open.
	cmd.WaitDelay = grace
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// end asks the whole group to end and, after a grace, makes it.
func (p *process) end() error {
	pid := p.cmd.Process.Pid
	signalGroup(pid, false)
	timer := time.NewTimer(p.grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	// What ignored the first signal, functions included, cannot ignore this one.
	signalGroup(pid, true)
	<-p.done
	if p.cleanup == nil {
		return nil
	}
	if err := p.cleanup(); err != nil {
		return fmt.Errorf("clean up after the emulator: %w", err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	limit int
	mu    sync.Mutex
	buf   []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.buf) == 0 {
		return "(it said nothing)"
	}
	return string(bytes.TrimSpace(t.buf))
}
