package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"webstack/local/machine/forward"
)

// Endpoint is where a machine's ports answer, each as "address:port".
type Endpoint struct {
	// HTTP leads to port 80, HTTPS to port 443, TCP and, where the port could be had, UDP.
	HTTP, HTTPS string
}

// Addresses say where a machine answers on this computer.
type Addresses struct {
	// Public is empty without a public address. Its ports are 80 and 443 where the system allows it.
	Public Endpoint
	// Local is on 127.0.0.1, which is where names under .localhost lead.
	Local Endpoint
}

// Addresses returns where a machine answers; all is empty for one that is unknown or never had a public address.
func (e *Engine) Addresses(instanceID string) Addresses {
	h, err := e.host(instanceID)
	if err != nil {
		return Addresses{}
	}
	return h.ports.addresses()
}

// Expose makes a machine's ports 80 and 443 answer on a loopback address; "" takes the address away.
func (e *Engine) Expose(ctx context.Context, instanceID, address string) error {
	if ip := net.ParseIP(address); address != "" && (ip == nil || !ip.IsLoopback() || ip.To4() == nil) {
		return fmt.Errorf("expose %s: %q is no loopback address of IPv4", instanceID, address)
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
	mu sync.Mutex
	// targets are where the container's ports are published now, by "80/tcp", "443/tcp" and "443/udp".
	targets map[string]string
	address string
	public  *doors
	local   *doors
}

func newPorts() *ports { return &ports{targets: map[string]string{}} }

func (p *ports) target(port string) func() string {
	return func() string {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.targets[port]
	}
}

// lead takes the output of docker port: the ports are others after each start.
func (p *ports) lead(published string) error {
	targets := map[string]string{}
	for _, line := range lines(published) {
		if port, target, ok := strings.Cut(line, " -> "); ok {
			targets[port] = target
		}
	}
	for _, port := range []string{"80/tcp", "443/tcp", "443/udp"} {
		if targets[port] == "" {
			return fmt.Errorf("find the machine's ports: Docker publishes none for %s", port)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
	return nil
}

// expose moves the public address.
func (p *ports) expose(address string) error {
	if p.address == address {
		return nil
	}
	old := p.public
	var public *doors
	if address != "" {
		var err error
		if public, err = openDoors(address, p); err != nil {
			return err
		}
		if p.local == nil {
			local, err := openDoors(localAddress, p)
			if err != nil {
				public.close()
				return err
			}
			p.mu.Lock()
			p.local = local
			p.mu.Unlock()
		}
	}
	p.mu.Lock()
	p.address, p.public = address, public
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
}

// doors are the listeners on one address.
type doors struct {
	http, https *forward.TCP
	quic        *forward.UDP // nil where the port could not be had
}

// openDoors listens on ports 80 and 443 of an address, or on free ones where those cannot be had. A system that has no
// such address gives free ports of 127.0.0.1.
func openDoors(address string, p *ports) (*doors, error) {
	d := &doors{}
	var err error
	if d.http, err = openDoor(address, "80", p.target("80/tcp")); err != nil {
		return nil, err
	}
	if d.https, err = openDoor(address, "443", p.target("443/tcp")); err != nil {
		d.close()
		return nil, err
	}
	// Without HTTP/3 everything works by TCP.
	if quic, err := forward.ListenUDP(d.https.Address(), p.target("443/udp")); err == nil {
		d.quic = quic
	}
	return d, nil
}

func openDoor(address, port string, target func() string) (*forward.TCP, error) {
	var problems []error
	for _, at := range []string{net.JoinHostPort(address, port), net.JoinHostPort(address, "0"), localAddress + ":0"} {
		door, err := forward.ListenTCP(at, target)
		if err == nil {
			return door, nil
		}
		problems = append(problems, err)
	}
	return nil, errors.Join(problems...)
}

func (d *doors) endpoint() Endpoint {
	if d == nil {
		return Endpoint{}
	}
	return Endpoint{HTTP: d.http.Address(), HTTPS: d.https.Address()}
}

func (d *doors) close() {
	if d == nil {
		return
	}
	if d.http != nil {
		d.http.Close()
	}
	if d.https != nil {
		d.https.Close()
	}
	if d.quic != nil {
		d.quic.Close()
	}
}
