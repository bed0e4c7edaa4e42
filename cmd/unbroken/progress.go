package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// progress is one line that a person watches; where nobody watches there is none. Safe for concurrent use.
type progress struct {
	mu   sync.Mutex
	w    io.Writer // nil: silent
	most int
}

func (w *world) progress(g *globals) *progress {
	if !w.Terminal || g.JSON {
		return &progress{}
	}
	return &progress{w: w.Stderr}
}

// show replaces the line. Batches end in any order, and the line never runs backwards.
func (p *progress) show(done, total int, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || done < p.most {
		return
	}
	p.most = done
	_, _ = fmt.Fprintf(p.w, "\r\x1b[K%d of %d %s", done, total, what)
}

// say replaces the line where the whole is not known beforehand.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil {
		return
	}
	p.most = max(p.most, 1)
	_, _ = fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
}

// bar replaces the line with how much of the whole is done, drawn.
func (p *progress) bar(done, total int64, format string, args ...any) {
	const cells = 30
	if total <= 0 {
		p.say(format, args...)
		return
	}
	done = min(done, total)
	full := int(cells * done / total)
	p.say("[%s%s] %3d %%  "+format, append([]any{strings.Repeat("█", full), strings.Repeat("·", cells-full), 100 * done / total}, args...)...)
}

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil && p.most > 0 {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
