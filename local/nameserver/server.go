package nameserver

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/miekg/dns"

	"webstack/local/cloudflare"
)

// tries is how often to try another port if the one for UDP is taken for TCP.
const tries = 20

// Server answers queries over UDP and TCP on one port.
type Server struct {
	udp, tcp *dns.Server
	port     int
}

// Listen opens a free port of host, an IP address, for both protocols. Queries are answered once Run is called.
func Listen(host string, store *cloudflare.Store) (*Server, error) {
	var problem error
	for range tries {
		packets, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, fmt.Errorf("listen for DNS queries: %w", err)
		}
		listener, err := net.Listen("tcp", packets.LocalAddr().String())
		if err != nil {
			problem = errors.Join(err, packets.Close())
			continue
		}
		handler := handle(store)
		return &Server{
			udp:  &dns.Server{PacketConn: packets, Handler: handler},
			tcp:  &dns.Server{Listener: listener, Handler: handler},
			port: listener.Addr().(*net.TCPAddr).Port,
		}, nil
	}
	return nil, fmt.Errorf("listen for DNS queries over UDP and TCP on one port: %w", problem)
}

// Port returns where the server listens.
func (s *Server) Port() int { return s.port }

// Run answers queries until ctx ends; the error is that of a listener that broke.
func (s *Server) Run(ctx context.Context) error {
	servers := []*dns.Server{s.udp, s.tcp}
	started, ended := make(chan struct{}), make(chan error, len(servers))
	for _, server := range servers {
		server.NotifyStartedFunc = func() { started <- struct{}{} }
		go func() { ended <- server.ActivateAndServe() }()
	}
	for range servers {
		<-started // it is called before the first query is read, so this does not wait for anything else
	}
	select {
	case <-ctx.Done():
		return errors.Join(s.udp.Shutdown(), s.tcp.Shutdown())
	case err := <-ended:
		_, _ = s.udp.Shutdown(), s.tcp.Shutdown() // one of them is no longer running
		return err
	}
}

func handle(store *cloudflare.Store) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		reply := answer(store, query)
		size := dns.MinMsgSize
		if edns := query.IsEdns0(); edns != nil {
			size = max(size, int(edns.UDPSize()))
			reply.SetEdns0(edns.UDPSize(), false)
		}
		if _, udp := w.RemoteAddr().(*net.UDPAddr); !udp {
			size = dns.MaxMsgSize
		}
		reply.Truncate(size) // a client that gets a truncated answer asks again over TCP
		_ = w.WriteMsg(reply)
	}
}
