package render

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"

	"webstack/contract"
)

// load reads the project as `docker compose` does in compose/, with the .env file beside it.
func (h *host) load(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{h.paths.Compose()},
		cli.WithEnvFiles(), cli.WithDotEnv, cli.WithDefaultProfiles(), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeLoads(t *testing.T) {
	t.Parallel()
	for name, s := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, s)
			h.release(t, h.appNames()...)
			project := h.load(t)
			want := append(h.appNames(), "caddy", "postgres")
			if s["enableExternalPostgres"] == true {
				want = append(h.appNames(), "caddy")
			}
			slices.Sort(want)
			if got := slices.Sorted(maps.Keys(project.Services)); !slices.Equal(got, want) {
				t.Errorf("services: got %v, want %v", got, want)
			}
			if project.Name != contract.ComposeProject {
				t.Errorf("project: got %q", project.Name)
			}
			for _, service := range project.Services {
				checkService(t, service)
			}
		})
	}
}

// checkService checks what every container must have.
func checkService(t *testing.T, s types.ServiceConfig) {
	t.Helper()
	mark := func(ok bool, what string) {
		if !ok {
			t.Errorf("%s: %s", s.Name, what)
		}
	}
	mark(s.MemLimit >= 32<<20, "no memory limit")
	mark(s.PidsLimit > 0, "no limit of processes")
	mark(s.Logging.Driver == "local" && s.Logging.Options["max-size"] == "10m" && s.Logging.Options["max-file"] == "3",
		"logs are not rotated")
	mark(s.Restart == "always", "is not restarted")
	mark(s.StopGracePeriod != nil, "no grace period")
	mark(!s.Privileged && s.NetworkMode == "" && s.Pid == "" && s.Ipc == "", "shares namespaces with the host")
	mark(slices.Contains(s.SecurityOpt, "no-new-privileges:true") && slices.Equal(s.CapDrop, []string{"ALL"}),
		"can gain privileges")
	mark(len(s.Ports) == 0 || s.Name == "caddy", "publishes ports")
	mark(s.HealthCheck != nil || len(s.Profiles) == 1, "no health check")
	for _, v := range s.Volumes {
		mark(!strings.Contains(v.Source, "docker.sock"), "has the Docker socket")
		mark(v.Bind != nil && !v.Bind.CreateHostPath, "makes up missing directories: "+v.Source)
	}
}

func TestComposePublishesOnlyTheWeb(t *testing.T) {
	t.Parallel()
	var got []string
	for _, p := range newHost(t, twoApps()).load(t).Services["caddy"].Ports {
		got = append(got, p.Published+"/"+p.Protocol)
	}
	if want := []string{"80/tcp", "443/tcp", "443/udp"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestComposeAppWithoutRelease(t *testing.T) {
	t.Parallel()
	h := newHost(t, twoApps())
	h.release(t, "shop")
	project := h.load(t)
	if _, on := project.Services["blog"]; on {
		t.Error("blog has no release and would be started")
	}
	if _, off := project.DisabledServices["blog"]; !off {
		t.Error("blog is not known as a disabled service")
	}
	if got := project.Services["shop"].Image; got != image("shop") {
		t.Errorf("shop runs %q", got)
	}
}

func TestComposeEnvironment(t *testing.T) {
	t.Parallel()
	h := newHost(t, twoApps())
	h.release(t, "shop")
	project, err := h.load(t).WithServicesEnvironmentResolved(true)
	if err != nil {
		t.Fatal(err)
	}
	env := project.Services["shop"].Environment
	for name, want := range map[string]string{
		"PORT":         "3000",
		"PRICE":        "$5 {{x}} \"q\"\nnext",
		"API_KEY":      "k$y\\'\"\n",
		"DATABASE_URL": "postgres://shop:secret@postgres:5432/shop?sslmode=disable",
	} {
		if got := env[name]; got == nil || *got != want {
			t.Errorf("%s: got %v, want %q", name, got, want)
		}
	}
}

func TestComposeNeedsTheEnvFile(t *testing.T) {
	t.Parallel()
	h := newHost(t, twoApps())
	h.release(t, "shop")
	if !h.load(t).Services["shop"].EnvFiles[0].Required {
		t.Error("shop would start without its secrets")
	}
}

func FuzzEnvFile(f *testing.F) {
	for _, value := range []string{
		"", "plain", "two\nlines", "\r\n", `back\slash`, `\`, `\\`, `\"`, `\$`, "$X ${X} $$", `'"`, " # no comment ", "\t\v",
		`\n`, `\0101`, "=", "\ufeff", `"`, `\\\"$`,
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		text, err := contract.AppEnv(map[string]string{"BEFORE": value, "VALUE": value})
		if err != nil {
			return
		}
		wrong := func(string) (string, bool) { return "wrong", true }
		env, err := dotenv.ParseWithLookup(strings.NewReader(string(text)), wrong)
		if err != nil {
			t.Fatalf("%q: %v\n%s", value, err, text)
		}
		if env["VALUE"] != value || env["BEFORE"] != value || len(env) != 2 {
			t.Errorf("%q became %q in\n%s", value, env, text)
		}
	})
}
