package session

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// clients are the programs that sessions are opened with. Commands run with a terminal.
var clients = map[string]struct {
	shell   func(*testing.T) *exec.Cmd
	command func(*testing.T, string) *exec.Cmd
}{
	"plugin": {
		shell: func(t *testing.T) *exec.Cmd { return shared.plugin(t) },
		command: func(t *testing.T, line string) *exec.Cmd {
			return shared.plugin(t, "--document-name", "AWS-StartInteractiveCommand", "--parameters", parameters(line))
		},
	},
	"webstack": {
		shell:   func(t *testing.T) *exec.Cmd { return shared.webstack(t) },
		command: func(t *testing.T, line string) *exec.Cmd { return shared.webstack(t, "--", line) },
	},
}

func parameters(line string) string { return fmt.Sprintf(`{"command": [%q]}`, line) }

func each(t *testing.T, test func(t *testing.T, name string)) {
	t.Helper()
	for name := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}

func TestShell(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name string) {
		c := open(t, clients[name].shell(t))
		c.wait(`\$ `)
		c.send("echo he''llo from $PPID\r")
		c.wait(`hello from \d+\n`)
		c.ask("stty size\r", "30 90")
		if err := pty.Setsize(c.file, &pty.Winsize{Rows: 41, Cols: 123}); err != nil {
			t.Fatal(err)
		}
		c.ask("stty size\r", "41 123")
		c.send("sh -c 'echo be\"\"gun; read -r x; echo ne\"\"ver'\r")
		c.wait(`begun\n`)
		c.send("\x03")
		c.wait(`\$ `) // the key discards input that was typed before it was read
		c.send("echo ali''ve\r")
		c.wait(`alive\n`)
		c.send("exit\r")
		code, text := c.end()
		if code != 0 || strings.Contains(text, "never") {
			t.Errorf("exit code %d after %q", code, text)
		}
	})
}

func TestCommandWithTerminal(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name string) {
		c := open(t, clients[name].command(t, `test -t 0 && echo with a terminal; read -r x; echo "got $x"; exit 3`))
		c.wait("with a terminal\n")
		c.send("words\r")
		c.wait("got words\n")
		want := map[string]int{"webstack": 3, "plugin": 0}[name] // aws does not pass on exit codes
		if code, text := c.end(); code != want {
			t.Errorf("exit code %d after %q", code, text)
		}
	})
}

func TestMuchOutputComesWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name string) {
		c := open(t, clients[name].command(t, "seq 100001 130000"))
		_, text := c.end()
		at := 0
		for i := 100001; i <= 130000; i++ {
			line := fmt.Sprintf("%d\n", i)
			next := strings.Index(text[at:], line)
			if next < 0 || i > 100001 && next != 0 {
				t.Fatalf("%d is not where it should be", i)
			}
			at += next + len(line)
		}
	})
}

func TestCommandWithoutTerminal(t *testing.T) {
	t.Parallel()
	t.Run("plugin", func(t *testing.T) {
		t.Parallel()
		command := shared.plugin(t, "--document-name", "AWS-StartNonInteractiveCommand", "--parameters",
			parameters(`sh -c "test -t 1 || echo no terminal; echo 'a  b' >&2"`))
		_, out, _ := output(t, command)
		if !strings.Contains(out, "no terminal\n") || !strings.Contains(out, "a  b\n") {
			t.Errorf("printed %q", out)
		}
	})
	t.Run("webstack", func(t *testing.T) {
		t.Parallel()
		for want, args := range map[string][]string{
			"a  b {{c}} 'd'\n": {"printf", "%s %s %s\n", "a  b", "{{c}}", "'d'"},
			"one\ntwo\n":       {"echo one\necho two"},
		} {
			code, out, problems := output(t, shared.webstack(t, append([]string{"--"}, args...)...))
			if code != 0 || out != want || problems != "" {
				t.Errorf("%q: exit code %d, printed %q and %q", args, code, out, problems)
			}
		}
		code, out, problems := output(t, shared.webstack(t, "--", "echo (", "x"))
		if code != 127 || !strings.Contains(out, "echo (: not found") || problems != "" {
			t.Errorf("exit code %d, printed %q and %q", code, out, problems)
		}
	})
}

func TestWebstackShellReadsAScript(t *testing.T) {
	t.Parallel()
	command := shared.webstack(t)
	command.Stdin = strings.NewReader("echo he''llo\n")
	code, out, problems := output(t, command)
	if code != 0 || !strings.Contains(out, "hello\r\n") || problems != "" {
		t.Errorf("exit code %d, printed %q and %q", code, out, problems)
	}
}

func TestWebstackShellSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*exec.Cmd){
		`there is no file Pulumi.other.yaml; there are stacks empty, shell`: func(c *exec.Cmd) { c.Args = append(c.Args, "-s", "other") },
		"no AWS credentials found": func(c *exec.Cmd) {
			c.Env = append(c.Env, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "HOME=/nonexistent")
		},
		"cannot reach AWS":                           func(c *exec.Cmd) { c.Env = append(c.Env, "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1") },
		"create it with pulumi up --refresh --stack": func(c *exec.Cmd) { c.Args = append(c.Args, "-s", "empty") },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			command := shared.webstack(t)
			change(command)
			code, out, problems := output(t, command)
			if code != 1 || out != "" || !strings.Contains(problems, want) || strings.Count(problems, "\n") != 1 {
				t.Errorf("exit code %d, printed %q and %q", code, out, problems)
			}
		})
	}
}
