package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/host/docker"
	"webstack/host/internal/commandtest"
)

// engine has containers, given as service and number, which log what log says.
func engine(t *testing.T, log commandtest.Program, services ...string) (*docker.Engine, *commandtest.Runner) {
	t.Helper()
	var list []map[string]any
	for i, service := range services {
		list = append(list, map[string]any{
			"Id": fmt.Sprint("id", i), "Name": fmt.Sprintf("/webstack-%s-%d", service, i),
			"Config": map[string]any{"Labels": map[string]string{
				"com.docker.compose.project": contract.ComposeProject, "com.docker.compose.service": service,
			}},
		})
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	run := &commandtest.Runner{}
	run.Set("docker", func(c commandtest.Call) (string, error) {
		switch c.Args[0] {
		case "ps":
			return strings.Repeat("id\n", len(services)), nil
		case "inspect":
			return string(text), nil
		}
		return log(c)
	})
	return &docker.Engine{Runner: run, Project: contract.ComposeProject}, run
}

func TestPrint(t *testing.T) {
	t.Parallel()
	e, run := engine(t, func(c commandtest.Call) (string, error) { return "of " + c.Args[len(c.Args)-1] + "\n", nil },
		"shop", "blog", "shop")
	var out bytes.Buffer
	err := Print(t.Context(), Options{Service: "shop", Lines: 7, Since: "10m", Timestamps: true, Engine: e, Out: &out})
	if err != nil || out.String() != "of id0\nof id2\n" {
		t.Errorf("%v, printed %q", err, out.String())
	}
	lines := run.Lines()
	if want := "docker logs --tail 7 --timestamps --since 10m id2"; lines[len(lines)-1] != want {
		t.Errorf("ran %q, want %q", lines[len(lines)-1], want)
	}
}

// What does not fit into an output is left out at the beginning, and that is said.
func TestPrintLeavesOldLinesOut(t *testing.T) {
	t.Parallel()
	e, _ := engine(t, func(commandtest.Call) (string, error) {
		var text strings.Builder
		for i := range 5000 {
			fmt.Fprintf(&text, "line %d of ü\n", i)
		}
		return text.String(), nil
	}, "shop")
	var out bytes.Buffer
	if err := Print(t.Context(), Options{Service: "shop", Lines: 5000, Engine: e, Out: &out}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if len(text) > contract.MaxOutput || len(text) < contract.MaxOutput-1100 ||
		!strings.HasPrefix(text, "(older lines left out)\nline ") || !strings.HasSuffix(text, "line 4999 of ü\n") {
		t.Errorf("%d bytes: %.60q ... %q", len(text), text, text[len(text)-30:])
	}
}

func TestPrintFails(t *testing.T) {
	t.Parallel()
	broken := func(commandtest.Call) (string, error) { return "", commandtest.Fail("docker logs", 1, "no driver") }
	e, run := engine(t, broken, "shop")
	for service, want := range map[string]string{
		"blog": "it has no container", "shop": "read the log of webstack-shop-0: docker logs: exit code 1: no driver",
	} {
		err := Print(t.Context(), Options{Service: service, Lines: 1, Engine: e, Out: &bytes.Buffer{}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", service, err, want)
		}
	}
	run.Set("docker", func(commandtest.Call) (string, error) { return "", commandtest.Fail("docker ps", 1, "no engine") })
	if err := Print(t.Context(), Options{Service: "shop", Engine: e, Out: &bytes.Buffer{}}); err == nil ||
		!strings.Contains(err.Error(), "no engine") {
		t.Errorf("error is %v", err)
	}
}
