package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// progress shows one line per long step, with the time it took. What a step prints is kept and shown only when
// the step fails: a newcomer wants to see that something goes on, not 300 lines of CloudFormation.
type progress struct {
	mu     sync.Mutex
	out    io.Writer
	step   string
	start  time.Time
	ticker *time.Ticker
	stop   chan struct{}
	tail   bytes.Buffer
}

func (p *progress) begin(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.start, p.stop = fmt.Sprintf(format, args...), time.Now(), make(chan struct{})
	p.tail.Reset()
	fmt.Fprintf(p.out, "  … %s\n", p.step)
	p.ticker = time.NewTicker(10 * time.Second)
	go func(ticker *time.Ticker, stop chan struct{}, step string, start time.Time) {
		for {
			select {
			case <-ticker.C:
				p.mu.Lock() // a line is whole, whoever else prints
				fmt.Fprintf(p.out, "    still %s, %s\n", step, time.Since(start).Round(time.Second))
				p.mu.Unlock()
			case <-stop:
				return
			}
		}
	}(p.ticker, p.stop, p.step, p.start)
}

func (p *progress) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ticker.Stop()
	close(p.stop)
	took := time.Since(p.start).Round(100 * time.Millisecond)
	if err == nil {
		fmt.Fprintf(p.out, "  ✓ %s (%s)\n", p.step, took)
		return
	}
	fmt.Fprintf(p.out, "  ✗ %s (%s)\n%s", p.step, took, p.tail.String())
}

// log takes what a step's programs print.
func (p *progress) log() io.Writer { return progressLog{p} }

type progressLog struct{ p *progress }

// maxTail is as much of a step's output as a person reads.
const maxTail = 16 << 10

func (l progressLog) Write(b []byte) (int, error) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.tail.Write(b)
	if over := l.p.tail.Len() - maxTail; over > 0 {
		l.p.tail.Next(over)
	}
	return len(b), nil
}
