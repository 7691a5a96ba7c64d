package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	t.Parallel()
	var buffer bytes.Buffer
	w := NewWriter(&buffer)
	long := strings.Repeat("x", Chunk+1)
	if err := w.Write(StdinEnd, nil); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Stream(Stderr).Write([]byte(long)); n != len(long) || err != nil {
		t.Fatal(n, err)
	}
	whole := bytes.Clone(buffer.Bytes())
	for _, want := range []struct {
		kind    Kind
		payload string
	}{{StdinEnd, ""}, {Stderr, long[:Chunk]}, {Stderr, "x"}} {
		kind, payload, err := Read(&buffer)
		if err != nil || kind != want.kind || string(payload) != want.payload {
			t.Errorf("frame of kind %d with %d bytes, %v; want kind %d with %d", kind, len(payload), err, want.kind, len(want.payload))
		}
	}
	if _, _, err := Read(&buffer); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if _, _, err := Read(bytes.NewReader(whole[frameHeader:8])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off in a header: %v", err)
	}
	if _, _, err := Read(bytes.NewReader(whole[frameHeader:20])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off in a payload: %v", err)
	}
	if _, _, err := Read(strings.NewReader("\x01\xff\xff\xff\xff")); err == nil {
		t.Error("a frame of 4 GiB was taken")
	}
}

func TestTunnel(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	cloud, err := CloudSide(a)
	if err != nil {
		t.Fatal(err)
	}
	agent, err := AgentSide(b)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := agent.Accept()
		if err != nil {
			return
		}
		text, _ := io.ReadAll(conn) // to the end of one direction
		_, _ = conn.Write(bytes.ToUpper(text))
		_ = conn.Close()
	}()
	conn, err := cloud.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(conn); string(text) != "HELLO" || err != nil {
		t.Errorf("answer %q, %v", text, err)
	}
	if err := agent.Close(); err != nil {
		t.Fatal(err)
	}
	<-cloud.Done()
	if _, err := cloud.Accept(); err == nil || !cloud.Closed() {
		t.Error("the end was not seen at the other side")
	}
}

func TestServicesOfDatabases(t *testing.T) {
	t.Parallel()
	if address, ok := Database("169.254.171.3").Database(); !ok || address != "169.254.171.3" {
		t.Errorf("got %q, %v", address, ok)
	}
	if address, ok := Gateway.Database(); ok {
		t.Errorf("the gateway is the database at %q", address)
	}
}
