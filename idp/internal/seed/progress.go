package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far something is: a bar on a terminal, elsewhere a line now
// and then.
type progress struct {
	what  string
	n     int
	began time.Time
	last  time.Time
	bar   *progressbar.ProgressBar
}

const lineEvery = 10 * time.Second

func newProgress(what string, n int) *progress {
	p := &progress{what: what, n: n, began: time.Now(), last: time.Now()}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		p.bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
	}
	return p
}

func (p *progress) at(done int) {
	if p.bar != nil {
		_ = p.bar.Set(done)
	} else if time.Since(p.last) >= lineEvery {
		p.last = time.Now()
		fmt.Fprintf(os.Stderr, "%s: %d of %d (%d %%), %s\n", p.what, done, p.n, 100*done/p.n, time.Since(p.began).Round(time.Second))
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	fmt.Fprintf(os.Stderr, "%s: %d in %s\n", p.what, p.n, time.Since(p.began).Round(time.Second/10))
}
