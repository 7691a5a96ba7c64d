package cli_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/internal/cli"
	"webstack/internal/cli/internal/reference"
	"webstack/internal/command"
)

func TestReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	got, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	want := reference.Text(cli.Root(command.Streams{}, "."))
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/commands.md is out of date; run go generate ./internal/cli (-want +got):\n%s", diff)
	}
}
