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
	liveTick = time.Second      // how often a terminal's status line is updated
	logTick  = 30 * time.Second // how often a log says that a step is still running
)

// Progress shows what is happening. It updates the last line of a terminal; a log gets whole lines only.
type Progress struct {
	out  io.Writer
	live bool
	// interrupted reports whether the command was told to stop; nil means never.
	interrupted func() bool
	mu          sync.Mutex
	// status is the unfinished line at the end of a terminal.
	status string
}

// NewProgress shows progress on out, which must not be filtered: the status line needs control characters.
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

// Show makes text the status line of a terminal; "" removes the line.
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

// Live reports whether the output is a terminal, whose last line Show updates.
func (p *Progress) Live() bool { return p.live }

func (p *Progress) clear() {
	if p.status != "" {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
	}
}

// Step shows that a long step has begun and is still running, until the returned function is called. It then says how
// long the step took, unless it was interrupted. The caller says how the step ended.
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
			p.Say("  still running after %s", elapsed())
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

// Every calls tick at regular intervals until the returned function is called.
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
