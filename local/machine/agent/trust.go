//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"webstack/local/machine/wire"
)

// bundle holds the certificates that programs on the machine trust.
const bundle = "/etc/ssl/certs/ca-certificates.crt"

// trust makes the machine trust the local authority, where there is one.
func trust(ctx context.Context) error {
	certificate, err := os.ReadFile(wire.Certificate)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("trust the local authority: %w", err)
	}
	trusted, err := os.ReadFile(bundle)
	if err == nil && bytes.Contains(trusted, bytes.TrimSpace(certificate)) {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "update-ca-certificates").CombinedOutput(); err != nil {
		return fmt.Errorf("trust the local authority: %w: %s", err, out)
	}
	return nil
}
