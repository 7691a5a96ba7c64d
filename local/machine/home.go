package machine

import (
	"slices"
	"sync"
	"time"
)

// home is where the apps answer on 127.0.0.1, on ports that stay the same: those of the first machine. A machine that
// replaces another one takes them over as soon as the other is gone. Additional machines have ports of their own.
type home struct {
	mu   sync.Mutex
	at   Endpoint // empty before the first machine
	here *ports   // nil while nobody is
	all  []*ports // machines with doors on 127.0.0.1, the oldest first
}

// homePatience is how long a closed port may stay busy: a program that is just being started has all open files of this
// process for a moment.
const homePatience = 2 * time.Second

// enter opens a machine's doors on 127.0.0.1.
func (h *home) enter(p *ports) (doors, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var opened doors
	var err error
	if h.here == nil && h.at != (Endpoint{}) {
		opened, err = h.open(p)
	} else {
		opened, err = p.open(webPorts(localAddress))
	}
	if err != nil {
		return nil, err
	}
	if h.at == (Endpoint{}) {
		h.at = opened.endpoint()
	}
	if opened.endpoint() == h.at {
		h.here = p
	}
	h.all = append(h.all, p)
	return opened, nil
}

// open opens the doors at home, or others if another program has taken those.
func (h *home) open(p *ports) (doors, error) {
	for end := time.Now().Add(homePatience); ; time.Sleep(homePatience / 100) {
		opened, err := p.open(h.at)
		if err != nil || opened.endpoint() == h.at || time.Now().After(end) {
			return opened, err
		}
		opened.close()
	}
}

// leave is called when a machine has closed its doors. The next machine takes over the ports.
func (h *home) leave(p *ports) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = slices.DeleteFunc(h.all, func(one *ports) bool { return one == p })
	if h.here != p {
		return
	}
	h.here = nil
	if len(h.all) == 0 {
		return
	}
	next := h.all[0]
	opened, err := h.open(next)
	switch {
	case err != nil:
	case opened.endpoint() != h.at:
		opened.close() // it keeps its own
	default:
		h.here = next
		next.move(opened)
	}
}
