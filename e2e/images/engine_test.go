package images

import (
	"context"
	"strings"
	"testing"

	"webstack/local/images"
	"webstack/local/machine"
	"webstack/local/workdir"
)

func TestPostgresInTheEngine(t *testing.T) {
	t.Parallel()
	architecture(t) // skips without an engine
	if _, err := hub(); err != nil {
		t.Fatal(err)
	}
	root, err := workdir.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	step := func(title string) func() {
		steps = append(steps, title)
		return func() {}
	}
	base := func(ctx context.Context) (string, error) { return machine.Image(ctx, nil) }
	var names []string
	for range 2 {
		name, err := images.Postgres(t.Context(), root, true, base, step)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if names[0] != names[1] || len(steps) > 1 {
		t.Errorf("the image is called %v, after %v", names, steps)
	}
	if got := docker(t, "run", "--rm", names[0], "postgres", "--version"); !strings.Contains(got, "(PostgreSQL) 17.") {
		t.Errorf("it holds %s", got)
	}
}
