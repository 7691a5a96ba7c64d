//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"webstack/local/machine/wire"
)

const (
	// ran is the file that says that the user data has run.
	ran = wire.Dir + "/user-data.ran"
	// userDataLog is where EC2's images write the output.
	userDataLog = "/var/log/cloud-init-output.log"
)

// firstBoot runs the user data, once per machine.
func firstBoot(ctx context.Context) error {
	if _, err := os.Stat(wire.UserData); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	// Marked before it runs: EC2's images do not run user data that reboots the machine again either.
	marker, err := os.OpenFile(ran, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("run the user data: %w", err)
	}
	if err := marker.Close(); err != nil {
		return fmt.Errorf("run the user data: %w", err)
	}
	log, err := os.OpenFile(userDataLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("run the user data: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, wire.UserData)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run the user data: %w; its output is in %s", err, userDataLog)
	}
	return nil
}
