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

// handOn hands the connections of a listener on to a service of the laptop cloud.
func handOn(listener net.Listener, link *link, service wire.Service) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return fmt.Errorf("accept a connection for %s: %w", service, err)
		}
		go func() {
			far, err := link.dial(context.Background(), service)
			if err != nil {
				log.Print(err)
				_ = conn.Close()
				return
			}
			pipe.Join(conn, far)
		}()
	}
}
