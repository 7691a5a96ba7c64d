package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"webstack/internal/printable"
)

const (
	liveTick = time.Second      // how often a terminal's status line is renewed
	logTick  = 30 * time.Second // how often a log is told that something still goes on
)

// Progress shows what goes on. On a terminal the last line is renewed; a log gets whole lines only.
type Progress struct {
	out  io.Writer
	live bool
	// interrupted tells that the command was told to end; nil: never.
	interrupted func() bool
	mu          sync.Mutex
	// status is the unfinished line at the end of a terminal.
	status string
}

// NewProgress shows on out, which is not filtered: a status line needs control characters of its own.
func NewProgress(ctx context.Context, out io.Writer) *Progress {
	p := &Progress{out: out, interrupted: func() bool { return ctx.Err() != nil }}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.live = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// Say prints a line.
func (p *Progress) Say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	_, _ = fmt.Fprintln(p.out, printable.Text(fmt.Sprintf(format, args...)))
	_, _ = io.WriteString(p.out, p.status)
}

// Show makes text the status line of a terminal; "" takes the line away.
func (p *Progress) Show(text string) {
	if !p.live {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.status = printable.Text(text)
	_, _ = io.WriteString(p.out, p.status)
}

// Live tells whether the output is a terminal, whose last line Show renews.
func (p *Progress) Live() bool { return p.live }

func (p *Progress) clear() {
	if p.status != "" {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
	}
}

// Step shows that something long begins, and goes on, until the returned function is called. How it ended is for others
// to say: it tells how long it took, unless it was interrupted.
func (p *Progress) Step(title string) (done func()) {
	begun := time.Now()
	elapsed := func() time.Duration { return time.Since(begun).Round(time.Second) }
	p.Show(title + " …")
	if !p.live {
		p.Say("%s …", title)
	}
	stop := p.Every(func() {
		if p.live {
			p.Show(fmt.Sprintf("%s … %s", title, elapsed()))
		} else {
			p.Say("  still at it after %s", elapsed())
		}
	})
	return func() {
		stop()
		p.Show("")
		switch {
		case p.interrupted != nil && p.interrupted():
		case p.live:
			p.Say("%s: %s", title, elapsed())
		case elapsed() >= time.Second:
			p.Say("  took %s", elapsed())
		}
	}
}

// Every calls tick from time to time, until the returned function is called.
func (p *Progress) Every(tick func()) (stop func()) {
	interval := logTick
	if p.live {
		interval = liveTick
	}
	ticker, stopped, finished := time.NewTicker(interval), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		for {
			select {
			case <-ticker.C:
				tick()
			case <-stopped:
				ticker.Stop()
				return
			}
		}
	}()
	return func() {
		close(stopped)
		<-finished
	}
}
