package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
)

// Endpoint is where a machine's ports answer, each as "address:port".
type Endpoint struct {
	// HTTP leads to port 80, HTTPS to port 443, over TCP and, if the port was free, UDP.
	HTTP, HTTPS string
}

// Addresses say where a machine answers on this computer.
type Addresses struct {
	// Public is empty without a public address. Its ports are 80 and 443 where the system allows it.
	Public Endpoint
	// Local is on 127.0.0.1, which is where names under .localhost lead.
	Local Endpoint
}

// Addresses returns where a machine answers; it is empty for a machine that is unknown or never had a public address.
func (e *Engine) Addresses(instanceID string) Addresses {
	h, err := e.host(instanceID)
	if err != nil {
		return Addresses{}
	}
	return h.ports.addresses()
}

// Expose makes a machine's ports 80 and 443 answer on a loopback address; "" removes the address.
func (e *Engine) Expose(ctx context.Context, instanceID, address string) error {
	if ip := net.ParseIP(address); address != "" && (ip == nil || !ip.IsLoopback() || ip.To4() == nil) {
		return fmt.Errorf("expose %s: %q is not an IPv4 loopback address", instanceID, address)
	}
	return e.change(ctx, "expose", instanceID, func(h *host, _ context.Context) error {
		if err := h.ports.expose(address); err != nil {
			return err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.address = address
		return nil
	})
}

const localAddress = "127.0.0.1"

// ports are the ways to the ports of one machine.
type ports struct {
	front *front
	home  *home

	mu sync.Mutex
	// targets are where the container's ports are published now, by "80/tcp", "443/tcp" and "443/udp".
	targets map[string]string
	address string
	public  doors
	local   doors
}

func newPorts(front *front, home *home) *ports {
	return &ports{front: front, home: home, targets: map[string]string{}}
}

func (p *ports) target(port string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.targets[port]
}

// lead takes the output of docker port: the ports change with each start.
func (p *ports) lead(published string) error {
	targets := map[string]string{}
	for _, line := range lines(published) {
		if port, target, ok := strings.Cut(line, " -> "); ok {
			targets[port] = target
		}
	}
	for _, port := range []string{portHTTP, portHTTPS, portQUIC} {
		if targets[port] == "" {
			return fmt.Errorf("find the machine's ports: Docker publishes none for %s", port)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
	return errors.Join(p.public.lead(targets), p.local.lead(targets))
}

// expose moves the public address. Calls must not be concurrent.
func (p *ports) expose(address string) error {
	if p.address == address {
		return nil
	}
	var public, local doors
	var err error
	if address != "" {
		if public, err = p.open(webPorts(address)); err != nil {
			return err
		}
		if p.local == nil {
			if local, err = p.home.enter(p); err != nil {
				public.close()
				return err
			}
		}
	}
	p.mu.Lock()
	old := p.public
	p.address, p.public = address, public
	if local != nil {
		p.local = local
	}
	p.mu.Unlock()
	old.close()
	return nil
}

func (p *ports) addresses() Addresses {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Addresses{Public: p.public.endpoint(), Local: p.local.endpoint()}
}

func (p *ports) close() {
	p.mu.Lock()
	public, local := p.public, p.local
	p.public, p.local, p.address = nil, nil, ""
	p.mu.Unlock()
	public.close()
	local.close()
	p.home.leave(p)
}

// move gives the machine other doors on 127.0.0.1.
func (p *ports) move(local doors) {
	p.mu.Lock()
	old := p.local
	p.local = local
	p.mu.Unlock()
	old.close()
}
