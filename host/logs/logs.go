// Package logs prints the logs of a service's containers.
package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/docker"
)

// Options say what to print.
type Options struct {
	// Service is an app, caddy or postgres.
	Service string
	// Lines is how many of the last lines of each container to print.
	Lines int
	// Since is the start: a time in RFC 3339 format, or an age such as "10m"; "" = everything.
	Since string
	// Timestamps puts the time before each line.
	Timestamps bool
	// Engine knows the containers.
	Engine *docker.Engine
	Out    io.Writer
}

// Print prints the last lines of every container of the service, the oldest first. It prints no more than fits into the
// output of Run Command, which would keep the beginning: Print leaves out the oldest lines instead.
func Print(ctx context.Context, o Options) error {
	all, err := o.Engine.Containers(ctx)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	found := 0
	for _, c := range all {
		if c.Service != o.Service {
			continue
		}
		found++
		args := []string{"logs", "--tail", strconv.Itoa(o.Lines)}
		if o.Timestamps {
			args = append(args, "--timestamps")
		}
		if o.Since != "" {
			args = append(args, "--since", o.Since)
		}
		_, err := o.Engine.Runner.Run(ctx, command.Command{
			Name: "docker", Args: append(args, c.ID), Stdout: &text, Stderr: &text,
		})
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", c.Name, err)
		}
	}
	if found == 0 {
		return fmt.Errorf("read the log of %s: it has no container; an app gets one with its first deploy", o.Service)
	}
	_, err = o.Out.Write(last(text.Bytes()))
	return err
}

// room leaves space for the note that lines are missing.
const room = contract.MaxOutput - 1000

// last shortens text to the last whole lines that fit.
func last(text []byte) []byte {
	if len(text) <= room {
		return text
	}
	text = text[len(text)-room:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 && i+1 < len(text) {
		text = text[i+1:]
	}
	return append([]byte("(older lines left out)\n"), text...)
}
