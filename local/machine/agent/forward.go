//go:build linux

package main

import (
	"context"
	"fmt"
	"log"
	"net"

	"webstack/local/machine/pipe"
	"webstack/local/machine/wire"
)

// only returns the same service for every connection.
func only(service wire.Service) func(net.Conn) wire.Service {
	return func(net.Conn) wire.Service { return service }
}

// database returns the service of the database that a connection is for.
func database(conn net.Conn) wire.Service {
	return wire.Database(conn.LocalAddr().(*net.TCPAddr).IP.String())
}

// handOn forwards each connection of a listener to its service of the laptop cloud.
func handOn(listener net.Listener, link *link, serviceOf func(net.Conn) wire.Service) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return fmt.Errorf("accept a connection at %s: %w", listener.Addr(), err)
		}
		go func() {
			far, err := link.dial(context.Background(), serviceOf(conn))
			if err != nil {
				log.Print(err)
				_ = conn.Close()
				return
			}
			pipe.Join(conn, far)
		}()
	}
}
