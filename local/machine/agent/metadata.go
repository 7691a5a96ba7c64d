//go:build linux

package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"webstack/local/machine/wire"
)

type connKey struct{}

// serveMetadata forwards requests to the metadata service in the laptop cloud. Only the machine can limit how many hops
// an answer with a token lives, so that is done here.
func serveMetadata(listener net.Listener, link *link) error {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", metadataAddress
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return link.dial(ctx, wire.Metadata) },
		},
		ModifyResponse: limitHops,
		ErrorLog:       log.New(log.Writer(), "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			log.Print("ask the metadata service: ", err)
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	}
	server := &http.Server{
		Handler: proxy, ReadHeaderTimeout: time.Minute,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	return fmt.Errorf("serve the metadata service: %w", server.Serve(listener))
}

// limitHops lets the packets of an answer live for as many hops as the answer says. The connection ends with the
// answer: retransmitted packets must not live longer either.
func limitHops(response *http.Response) error {
	text := response.Header.Get(wire.HopLimitHeader)
	if text == "" {
		return nil
	}
	response.Header.Del(wire.HopLimitHeader)
	response.Header.Set("Connection", "close")
	hops, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("limit the hops of an answer: %w", err)
	}
	conn, ok := response.Request.Context().Value(connKey{}).(*net.TCPConn)
	if !ok {
		return fmt.Errorf("limit the hops of an answer: it has no connection")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("limit the hops of an answer: %w", err)
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, hops) })
	if err == nil {
		err = set
	}
	if err != nil {
		return fmt.Errorf("limit the hops of an answer to %d: %w", hops, err)
	}
	return nil
}
