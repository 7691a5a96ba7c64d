//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"webstack/local/machine/wire"
)

const (
	// certificates is the folder of the certificates that programs on the machine trust, each named by a hash.
	certificates = "/etc/ssl/certs"
	// bundle holds them all.
	bundle = certificates + "/ca-certificates.crt"
)

// trust makes the machine trust the local authority, if there is one. It does what update-ca-certificates would do, but
// without reading all certificates, which takes seconds. The result is the same if a package runs that command later.
func trust(ctx context.Context) error {
	certificate, err := os.ReadFile(wire.Certificate)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = trustCertificate(ctx, bytes.TrimSpace(certificate))
	}
	if err != nil {
		return fmt.Errorf("trust the local authority: %w", err)
	}
	return nil
}

func trustCertificate(ctx context.Context, certificate []byte) error {
	trusted, err := os.ReadFile(bundle)
	if err != nil || bytes.Contains(trusted, certificate) {
		return err
	}
	hash, err := exec.CommandContext(ctx, "openssl", "x509", "-noout", "-hash", "-in", wire.Certificate).Output()
	if err != nil {
		return fmt.Errorf("openssl: %w", err)
	}
	name := filepath.Join(certificates, "webstack-local.pem")
	for path, target := range map[string]string{
		name: wire.Certificate, filepath.Join(certificates, strings.TrimSpace(string(hash))+".0"): filepath.Base(name),
	} {
		if err := os.Symlink(target, path); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	// The bundle is written last and atomically: it says that the rest is done.
	temp := bundle + ".new"
	if err := os.WriteFile(temp, append(append(trusted, certificate...), '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, bundle)
}
