package machine

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"time"

	"webstack/local/machine/forward"
)

// The reachable ports of a machine, as Docker names them.
const (
	portHTTP  = "80/tcp"
	portHTTPS = "443/tcp"
	portQUIC  = "443/udp"
)

// door is an open port of this computer that forwards to a machine.
type door interface {
	// Address is "address:port".
	Address() string
	Close()
}

// doors are the open ports on one address, by the machine's port.
type doors map[string]door

// webPorts are ports 80 and 443 of an address.
func webPorts(address string) Endpoint {
	return Endpoint{HTTP: net.JoinHostPort(address, "80"), HTTPS: net.JoinHostPort(address, "443")}
}

// open opens an endpoint, or free ports of its address if those are taken. If the system has no such address, it opens
// free ports of 127.0.0.1.
func (p *ports) open(wanted Endpoint) (doors, error) {
	d := doors{}
	for port, at := range map[string]string{portHTTP: wanted.HTTP, portHTTPS: wanted.HTTPS} {
		opened, err := p.openTCP(port, at)
		if err != nil {
			d.close()
			return nil, err
		}
		d[port] = opened
	}
	// Without HTTP/3 everything works by TCP.
	if opened, err := p.listen("udp", portQUIC, d[portHTTPS].Address()); err == nil {
		d[portQUIC] = opened
	}
	return d, nil
}

func (p *ports) openTCP(port, wanted string) (door, error) {
	address, _, err := net.SplitHostPort(wanted)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, at := range []string{wanted, net.JoinHostPort(address, "0"), localAddress + ":0"} {
		opened, err := p.listen("tcp", port, at)
		if err == nil {
			return opened, nil
		}
		problems = append(problems, err)
	}
	return nil, errors.Join(problems...)
}

// listen opens a port, through the front if this process may not.
func (p *ports) listen(network, port, at string) (opened door, err error) {
	target := func() string { return p.target(port) }
	if network == "tcp" {
		opened, err = forward.ListenTCP(at, target)
	} else {
		opened, err = forward.ListenUDP(at, target)
	}
	switch {
	case err == nil:
		return opened, nil
	case !forbidden(err) || p.front == nil || runtime.GOOS != "linux":
		return nil, err
	}
	d, frontErr := p.front.open(network, at)
	if frontErr != nil {
		return nil, errors.Join(err, frontErr)
	}
	if frontErr = d.lead(target()); frontErr == nil && network == "tcp" {
		// The engine may be in another network, such as a virtual machine's.
		frontErr = answers(at)
	}
	if frontErr != nil {
		d.Close()
		return nil, errors.Join(err, frontErr)
	}
	return d, nil
}

// answers reports whether somebody listens at an address. That includes a listener that accepts and then drops the
// connection: the machine may not have anything on the port yet.
func answers(address string) error {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	if err != nil {
		return err
	}
	return conn.Close()
}

// lead tells the front's doors, which do not ask, where the machine's ports are now.
func (d doors) lead(targets map[string]string) error {
	var problems []error
	for port, opened := range d {
		if led, ok := opened.(*frontDoor); ok {
			problems = append(problems, led.lead(targets[port]))
		}
	}
	return errors.Join(problems...)
}

func (d doors) endpoint() Endpoint {
	if d == nil {
		return Endpoint{}
	}
	return Endpoint{HTTP: d[portHTTP].Address(), HTTPS: d[portHTTPS].Address()}
}

func (d doors) close() {
	for _, opened := range d {
		opened.Close()
	}
}
