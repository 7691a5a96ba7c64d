package machine

import (
	"context"
	"io"

	"webstack/local/dockercli"
)

// docker runs the docker command and returns what it wrote, without spaces at the ends.
func docker(ctx context.Context, args ...string) (string, error) { return dockercli.Run(ctx, args...) }

func dockerWith(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	return dockercli.RunWith(ctx, stdin, args...)
}

func lastLine(text string) string { return dockercli.LastLine(text) }

// said reports whether docker failed with an error that has text in it.
func said(err error, text string) bool { return dockercli.Said(err, text) }

// gone reports whether docker failed because what it should remove is gone, or about to be.
func gone(err error) bool { return dockercli.Gone(err) }

// lines returns the lines of text that are not empty.
func lines(text string) []string { return dockercli.Lines(text) }
