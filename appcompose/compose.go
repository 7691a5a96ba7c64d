package appcompose

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"webstack/appcompose/hostfile"
	"webstack/config"
	"webstack/contract"
)

// Images of the containers that are no apps. They are pinned, so an update is a reviewed diff.
const (
	// CaddyImage is Caddy, in the version whose adapter the tests parse the Caddyfile with. Its health check needs
	// wget, which the image has.
	CaddyImage = "caddy:2.11.4-alpine"
	// PostgresImage stays on one Debian release: another libc sorts text differently, which corrupts indexes.
	PostgresImage = "postgres:17.11-bookworm"
)

// caddyHealthURL is answered by Caddy to programs in its own container only.
const caddyHealthURL = "http://127.0.0.1:2020/"

// The types below are the part of the Compose specification that is used, in the order in which it is written. All of
// it is known to Compose 2.26 (Debian 13) and 2.40 (Ubuntu 24.04).

type composeFile struct {
	Name     string
	Services map[string]service
	Networks map[string]network
	Secrets  map[string]secretFile
}

type service struct {
	Image           string               `yaml:"image"`
	ContainerName   string               `yaml:"container_name,omitempty"`
	Labels          map[string]string    `yaml:"labels,flow"`
	Profiles        []string             `yaml:"profiles,omitempty,flow"`
	Command         []string             `yaml:"command,omitempty"`
	WorkingDir      string               `yaml:"working_dir,omitempty"`
	Environment     map[string]literal   `yaml:"environment,omitempty"`
	EnvFile         []envFile            `yaml:"env_file,omitempty"`
	Secrets         []string             `yaml:"secrets,omitempty,flow"`
	Ports           []port               `yaml:"ports,omitempty"`
	Volumes         []bind               `yaml:"volumes,omitempty"`
	Networks        []string             `yaml:"networks,flow"`
	DependsOn       map[string]condition `yaml:"depends_on,omitempty"`
	Healthcheck     *healthcheck         `yaml:"healthcheck,omitempty"`
	Init            bool                 `yaml:"init,omitempty"`
	ReadOnly        bool                 `yaml:"read_only,omitempty"`
	Tmpfs           []string             `yaml:"tmpfs,omitempty,flow"`
	MemLimit        string               `yaml:"mem_limit"`
	ShmSize         string               `yaml:"shm_size,omitempty"`
	PidsLimit       int                  `yaml:"pids_limit"`
	OomScoreAdj     int                  `yaml:"oom_score_adj,omitempty"`
	CapDrop         []string             `yaml:"cap_drop,flow"`
	CapAdd          []string             `yaml:"cap_add,omitempty,flow"`
	SecurityOpt     []string             `yaml:"security_opt,flow"`
	Restart         string               `yaml:"restart"`
	StopGracePeriod string               `yaml:"stop_grace_period"`
	Logging         logging              `yaml:"logging,flow"`
}

type envFile struct {
	Path     string `yaml:"path"`
	Required bool   `yaml:"required"`
}

type port struct {
	Target    int    `yaml:"target"`
	Published string `yaml:"published"`
	Protocol  string `yaml:"protocol"`
}

type bind struct {
	Type     string      `yaml:"type"`
	Source   string      `yaml:"source"`
	Target   string      `yaml:"target"`
	ReadOnly bool        `yaml:"read_only,omitempty"`
	Bind     bindOptions `yaml:"bind,flow"`
}

type bindOptions struct {
	CreateHostPath bool `yaml:"create_host_path"`
}

type condition struct {
	Condition string `yaml:"condition"`
}

type healthcheck struct {
	Test        []string `yaml:"test,flow"`
	Interval    string   `yaml:"interval"`
	Timeout     string   `yaml:"timeout"`
	Retries     int      `yaml:"retries"`
	StartPeriod string   `yaml:"start_period"`
}

type logging struct {
	Driver  string            `yaml:"driver"`
	Options map[string]string `yaml:"options,flow"`
}

type network struct {
	Internal bool `yaml:"internal,omitempty"`
}

type secretFile struct {
	File string `yaml:"file"`
}

// literal is text that Compose must not interpolate. Where it has control characters it is written between double
// quotes, which can hold every character, unlike YAML's blocks.
type literal string

// MarshalYAML implements yaml.Marshaler.
func (l literal) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.ReplaceAll(string(l), "$", "$$")}
	if strings.ContainsFunc(string(l), func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n, nil
}

// Networks. They are shared: a network of its own per app would keep the apps apart, but Docker's default address
// pools end at about 30 bridge networks, and Caddy and Postgres would have to join each, that is, be recreated for
// every app that is added. Apps can therefore reach each other's ports, as they can over their public names; what
// they keep to themselves is their database, by its role's password. The db network has no way out, so neither has
// Postgres.
const (
	edgeNetwork = hostfile.EdgeNetwork
	dbNetwork   = "db"
)

const composeHeader = `# Generated by Webstack from the stack config. Changes made here are lost:
# edit the config and run "pulumi up".
# Which apps have a release (COMPOSE_PROFILES), its image, and sums of what each container is made of stand in .env
# beside it, written by the host program.

`

func renderCompose(in RenderInput) ([]byte, error) {
	share := shareMemory(in.Config.InstanceType)
	file := composeFile{
		Name:     hostfile.ComposeProject,
		Services: map[string]service{hostfile.Caddy: caddyService(in.Config.StackDir, share)},
		Networks: map[string]network{edgeNetwork: {}},
	}
	if !in.Config.EnableExternalPostgres {
		file.Services[hostfile.Postgres] = postgresService(in.Config, share)
		file.Networks[dbNetwork] = network{Internal: true}
		file.Secrets = map[string]secretFile{postgresSecret: {File: "../" + hostfile.PostgresPasswordPath}}
	}
	for _, app := range in.Config.Apps {
		file.Services[app.Name] = appService(app, in.RepositoryURLs[app.Name], in.Config.EnableExternalPostgres)
	}
	return file.marshal()
}

// marshal writes the file part by part. In one part it would be the same text, but the encoder keeps all of a part in
// memory, and with many apps that takes longer than everything else.
func (f composeFile) marshal() ([]byte, error) {
	out := bytes.NewBufferString(composeHeader)
	err := encode(out, "", map[string]string{"name": f.Name})
	out.WriteString("services:\n")
	for _, name := range slices.Sorted(maps.Keys(f.Services)) {
		err = errors.Join(err, encode(out, "  ", map[string]service{name: f.Services[name]}))
	}
	err = errors.Join(err, encode(out, "", map[string]any{"networks": f.Networks}))
	if len(f.Secrets) > 0 {
		err = errors.Join(err, encode(out, "", map[string]any{"secrets": f.Secrets}))
	}
	if err != nil {
		return nil, fmt.Errorf("render compose file: %w", err)
	}
	return out.Bytes(), nil
}

// encode writes v as YAML, every line behind indent. That is safe as no text is written over several lines: literal
// sees to it for values, and nothing else may hold a new line.
func encode(out *bytes.Buffer, indent string, v any) error {
	var part bytes.Buffer
	enc := yaml.NewEncoder(&part)
	enc.SetIndent(2)
	if err := enc.Encode(v); err != nil {
		return err
	}
	for line := range bytes.Lines(part.Bytes()) {
		out.WriteString(indent)
		out.Write(line)
	}
	return nil
}

// base is what every container has: a label by which the host knows what it was made of, limits, bounded logs, no way to
// gain privileges, and a restart unless it was stopped on purpose.
func base(name, image string, memoryMb int, grace string) service {
	return service{
		Image:           image,
		Labels:          map[string]string{hostfile.SumLabel: "${" + hostfile.SumVariable(name) + ":-}"},
		MemLimit:        mebibytes(memoryMb),
		PidsLimit:       1024,
		CapDrop:         []string{"ALL"},
		SecurityOpt:     []string{"no-new-privileges:true"},
		Restart:         "unless-stopped",
		StopGracePeriod: grace,
		Logging:         logging{"local", map[string]string{"max-size": "10m", "max-file": "3"}},
	}
}

// appService is one app. Its image is not known here: which release runs is the host's knowledge. Without one the
// profile is off, and Compose neither starts the app nor looks at its image. There is no health check: an image need
// not hold a program that asks for a URL, so the host program asks from outside.
func appService(app config.App, repository string, externalPostgres bool) service {
	s := base(app.Name, fmt.Sprintf("${%s:-%s:unreleased}", hostfile.ImageVariable(app.Name), repository), app.MemoryMb, "30s")
	s.Profiles = []string{app.Name}
	s.Environment = map[string]literal{}
	for name, value := range app.EnvPlain {
		s.Environment[name] = literal(value)
	}
	s.Environment["PORT"] = literal(strconv.Itoa(app.ContainerPort))
	s.EnvFile = []envFile{{Path: "../" + contract.EnvDir + "/" + app.Name + ".env", Required: true}}
	s.Networks = []string{edgeNetwork}
	if !externalPostgres {
		s.Networks = append(s.Networks, dbNetwork)
		s.DependsOn = map[string]condition{hostfile.Postgres: {Condition: "service_healthy"}}
	}
	s.Init = true
	// When the host is short of memory, an app goes first, not the database.
	s.OomScoreAdj = 500
	// What images need that start as root and then become another user. Left out of Docker's default set is above all
	// NET_RAW, with which a container could pretend to be its neighbour.
	s.CapAdd = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"}
	return s
}

func caddyService(stackDir string, share memory) service {
	s := base(hostfile.Caddy, CaddyImage, share.caddy, "20s")
	s.ContainerName = hostfile.Caddy
	// Relative imports of a config that is sent to the admin API start here.
	s.WorkingDir = "/etc/caddy"
	s.Ports = []port{{80, "80", "tcp"}, {443, "443", "tcp"}, {443, "443", "udp"}}
	s.Volumes = []bind{
		// The directory: of a single file the container would keep seeing the one that was there at its start.
		{Type: "bind", Source: stackDir + "/caddy", Target: "/etc/caddy", ReadOnly: true},
		{Type: "bind", Source: contract.CaddyDataDir, Target: "/data"},
	}
	s.Networks = []string{edgeNetwork}
	s.Healthcheck = &healthcheck{
		Test:     []string{"CMD", "wget", "-q", "-O", "/dev/null", caddyHealthURL},
		Interval: "10s", Timeout: "5s", Retries: 3, StartPeriod: "10s",
	}
	s.ReadOnly = true
	s.Tmpfs = []string{"/config", "/tmp"}
	// The program in the image carries this capability and does not start without it.
	s.CapAdd = []string{"NET_BIND_SERVICE"}
	return s
}
