// Package dockertest is a Docker engine with Compose in memory, for tests. It understands the commands that package docker
// runs, and gives every running container an HTTP server of its own.
package dockertest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"webstack/contract"
	"webstack/host/command"
)

// Project is the name of the Compose project.
const Project = "webstack"

// ContainerName is the name that Compose gives to container number n of a service.
func ContainerName(service string, number int) string {
	return Project + "-" + service + "-" + strconv.Itoa(number)
}

// Container is a container of the engine.
type Container struct {
	ID, Name, Service, Image, Sum, Status string
	Restarts, ExitCode                    int
	OneOff, NoNetwork, NoInit             bool
	OutOfMemory                           bool
	PID                                   int
	// Fixed is its fixed address on the network edge, "" without one.
	Fixed  string
	volume string
	starts int
	ip     string
	server *httptest.Server
}

// Engine is the engine. Its fields are set before it is used.
type Engine struct {
	// Handlers answer for the containers of an image; by default with 200.
	Handlers map[string]http.HandlerFunc
	// Starts says what becomes of a container of an image that is started: by default it is running.
	Starts map[string]func(c *Container)
	// Before is called before every call, and After behind it; an error is the call's.
	Before, After func(args []string) error
	// Health answers for the health checks of containers by service; by default they are healthy.
	Health map[string]func() error
	// Registry are the images that can be pulled.
	Registry []string
	// Volume are the images whose containers have an anonymous volume.
	Volume map[string]bool
	// Platforms are those of images, such as linux/amd64; by default the engine's, linux/arm64.
	Platforms map[string]string
	// Log is what containers of an image have written; by default their last words.
	Log map[string]string
	// Digests are those of images that are named by tag, such as "sha256:..."; by default one that is made from the name.
	Digests map[string]string
	// Runs answers for "docker compose run" of an image: what it prints, and its error.
	Runs map[string]func(args []string) (string, error)
	// Configs are what each pull found as its configuration.
	Configs []string

	// NoHold makes it impossible to hold connections back.
	NoHold bool

	mu         sync.Mutex
	held       bool
	containers []*Container
	images     []string
	volumes    []string
	networks   []string
	calls      []string
	made       int
}

// New is an engine with these images, which ends with the test.
func New(t *testing.T, images ...string) *Engine {
	e := &Engine{
		Handlers: map[string]http.HandlerFunc{}, Starts: map[string]func(*Container){}, Health: map[string]func() error{},
		images: images, Volume: map[string]bool{}, Platforms: map[string]string{}, Log: map[string]string{},
		networks: []string{contract.EdgeNetwork},
	}
	t.Cleanup(func() {
		for _, c := range e.containers {
			c.down()
		}
	})
	return e
}

// Containers are copies of all containers, by name.
func (e *Engine) Containers() []Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []Container
	for _, c := range e.containers {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Container) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Change does something to a container behind everybody's back.
func (e *Engine) Change(name string, change func(*Container)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.containers {
		if c.Name == name {
			change(c)
			if c.Status != "running" {
				c.down()
			}
			return
		}
	}
	panic("no container " + name)
}

// Images are the names of all images.
func (e *Engine) Images() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(slices.Values(e.images))
}

// Volumes are the anonymous volumes.
func (e *Engine) Volumes() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.volumes)
}

// Networks are the networks of the project.
func (e *Engine) Networks() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.networks)
}

// Leave puts things on the engine that nobody uses: anonymous volumes, and networks of the project.
func (e *Engine) Leave(volumes, networks []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.volumes, e.networks = append(e.volumes, volumes...), append(e.networks, networks...)
}

// Calls are the calls since the last time it was asked, without those that only look.
func (e *Engine) Calls() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	calls := e.calls
	e.calls = nil
	return calls
}

// Dial reaches a running container under its address.
func (e *Engine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	e.mu.Lock()
	ip, _, _ := net.SplitHostPort(address)
	target := ""
	for _, c := range e.containers {
		if c.ip == ip && c.server != nil {
			target = c.server.Listener.Addr().String()
		}
	}
	e.mu.Unlock()
	if target == "" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("connection refused")}
	}
	return new(net.Dialer).DialContext(ctx, network, target)
}

// Fail is an error as a program's.
func Fail(message string) error {
	return &command.ExitError{Program: "docker", Code: 1, Message: message}
}

// OnlyLooks tells whether a call changes nothing.
func OnlyLooks(args []string) bool {
	switch args[0] {
	case "version", "ps", "inspect", "exec", "logs", "builder":
		return true
	case "volume", "network":
		return args[1] == "ls"
	}
	return args[0] == "image" && args[1] != "rm"
}

// Run is that of command.Runner.
func (e *Engine) Run(ctx context.Context, c command.Command) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if c.Name == "nsenter" {
		return nil, e.hold(c.Args)
	}
	if c.Name != "docker" {
		panic("runs " + c.Name)
	}
	if e.Before != nil {
		if err := e.Before(c.Args); err != nil {
			return nil, err
		}
	}
	out, err := e.run(c)
	if err == nil && e.After != nil {
		err = e.After(c.Args)
	}
	if c.Stdout != nil {
		_, _ = c.Stdout.Write([]byte(out))
		out = ""
	}
	return []byte(out), err
}

// hold notes when new connections to Caddy are held back.
func (e *Engine) hold(args []string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.NoHold {
		return &command.ExitError{Program: "nsenter", Code: 127, Message: "iptables: not found"}
	}
	e.held = slices.Contains(args, "--insert")
	return nil
}

// Held tells whether new connections to Caddy are held back.
func (e *Engine) Held() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held
}

func (e *Engine) run(c command.Command) (string, error) {
	if c.Args[0] == "exec" {
		return "", e.exec(c.Args[1])
	}
	if c.Args[0] == "compose" && slices.Contains(c.Args, "run") {
		return e.runOnce(c)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	call := strings.Join(c.Args, " ")
	switch {
	case strings.HasPrefix(call, "version ") && strings.Contains(call, ".Server.Arch"):
		return platform + "\n", nil
	case strings.HasPrefix(call, "version "):
		return "28.0.0\n", nil
	case strings.HasPrefix(call, "ps ") && strings.Contains(call, "oneoff=True"):
		var names []string
		for _, c := range e.containers {
			if c.OneOff {
				names = append(names, c.Name)
			}
		}
		return strings.Join(names, "\n"), nil
	case strings.HasPrefix(call, "ps "):
		var ids []string
		for _, c := range e.containers {
			ids = append(ids, c.ID)
		}
		return strings.Join(ids, "\n"), nil
	case strings.HasPrefix(call, "inspect "):
		return e.inspect(c.Args[3:])
	case strings.HasPrefix(call, "image ls "):
		return e.list(), nil
	case strings.HasPrefix(call, "image inspect ") && strings.Contains(call, "RepoDigests"):
		return e.digests(c.Args[4])
	case strings.HasPrefix(call, "image inspect "):
		if !slices.Contains(e.images, c.Args[4]) {
			return "", Fail("Error response from daemon: No such image: " + c.Args[4])
		}
		return cmp.Or(e.Platforms[c.Args[4]], platform) + "\n", nil
	case strings.HasPrefix(call, "logs "):
		of := e.find(c.Args[3])
		return cmp.Or(e.Log[of.Image], "starting\nlast words of "+of.Name+"\x1b[31m\n"), nil
	case strings.HasPrefix(call, "volume ls "):
		return strings.Join(e.dangling(), "\n"), nil
	case strings.HasPrefix(call, "network ls "):
		return strings.Join(e.networks, "\n"), nil
	case strings.HasPrefix(call, "container prune "):
		e.containers = slices.DeleteFunc(e.containers, func(c *Container) bool {
			return c.OneOff && c.Status == "exited" && strings.Contains(call, "oneoff=True")
		})
		return "", nil
	case call == "builder prune --force --filter until=168h":
		return "", nil
	}
	return "", e.change(c)
}

// change runs a call that changes something.
func (e *Engine) change(c command.Command) error {
	switch c.Args[0] {
	case "pull":
		return e.pull(c)
	case "compose":
		return e.up(c)
	case "start", "stop", "rm", "restart":
		return e.each(c.Args)
	case "volume":
		e.calls = append(e.calls, strings.Join(c.Args, " "))
		e.volumes = slices.DeleteFunc(e.volumes, func(name string) bool { return slices.Contains(c.Args[2:], name) })
		return nil
	case "network":
		e.calls = append(e.calls, strings.Join(c.Args, " "))
		e.networks = slices.DeleteFunc(e.networks, func(name string) bool { return Project+"_"+name == c.Args[2] })
		return nil
	case "image":
		e.calls = append(e.calls, "image rm "+c.Args[2])
		e.images = slices.DeleteFunc(e.images, func(i string) bool { return removedBy(i, c.Args[2]) })
		return nil
	}
	panic("docker " + strings.Join(c.Args, " "))
}

// platform is the engine's.
const platform = "linux/arm64"

// dangling are the volumes that no container has.
func (e *Engine) dangling() []string {
	return slices.DeleteFunc(slices.Clone(e.volumes), func(name string) bool {
		return slices.ContainsFunc(e.containers, func(c *Container) bool { return c.volume == name })
	})
}

// removedBy tells whether a name is that of an image: its own, its ID, or its repository and digest.
func removedBy(image, name string) bool {
	repository, digest, pinned := strings.Cut(image, "@")
	if i := strings.LastIndex(repository, ":"); pinned && i > 0 {
		image = repository[:i] + "@" + digest
	}
	return image == name || "sha256:"+image == name
}

func (e *Engine) exec(id string) error {
	e.mu.Lock()
	check := e.Health[e.find(id).Service]
	e.mu.Unlock()
	if check == nil {
		return nil
	}
	return check()
}

func (e *Engine) each(args []string) error {
	for _, id := range args[1:] {
		if strings.HasPrefix(id, "--") {
			continue
		}
		c := e.find(id)
		if c == nil && slices.Contains(args, "--force") {
			continue
		}
		if c == nil {
			return Fail("Error response from daemon: No such container: " + id)
		}
		e.calls = append(e.calls, args[0]+" "+c.Name)
		switch args[0] {
		case "start", "restart":
			e.start(c)
		case "stop":
			c.Status, c.ExitCode = "exited", 143
			c.down()
		case "rm":
			c.down()
			e.containers = slices.DeleteFunc(e.containers, func(o *Container) bool { return o == c })
			if slices.Contains(args, "--volumes") {
				e.volumes = slices.DeleteFunc(e.volumes, func(name string) bool { return name == c.volume })
			}
		}
	}
	return nil
}

func (e *Engine) find(id string) *Container {
	for _, c := range e.containers {
		if c.ID == id || c.Name == id {
			return c
		}
	}
	return nil
}

func (e *Engine) pull(c command.Command) error {
	image := c.Args[len(c.Args)-1]
	e.calls = append(e.calls, "pull "+image)
	for _, variable := range c.Env {
		if dir, ok := strings.CutPrefix(variable, "DOCKER_CONFIG="); ok {
			text, err := os.ReadFile(filepath.Join(dir, "config.json"))
			if err != nil {
				return err
			}
			e.Configs = append(e.Configs, string(text))
		}
	}
	if !slices.Contains(e.Registry, image) {
		return Fail("Error response from daemon: manifest unknown: Requested image not found")
	}
	e.images = append(e.images, image)
	return nil
}

var variableRE = regexp.MustCompile(`\$\{([A-Z0-9_]+):-([^}]*)\}`)

// service is a service of the Compose file.
type service struct {
	Image         string            `yaml:"image"`
	ContainerName string            `yaml:"container_name"`
	Labels        map[string]string `yaml:"labels"`
	Networks      map[string]struct {
		Address string `yaml:"ipv4_address"`
	} `yaml:"networks"`
}

// up is `docker compose up`.
func (e *Engine) up(c command.Command) error {
	name := c.Args[len(c.Args)-1]
	scale, err := strconv.Atoi(strings.TrimPrefix(c.Args[len(c.Args)-2], name+"="))
	if err != nil {
		panic(err)
	}
	def, err := definition(c, name)
	if err != nil {
		return err
	}
	next := Container{
		Name: def.ContainerName, Service: name, Image: def.Image, Sum: def.Labels[contract.SumLabel],
		Fixed: def.Networks[contract.EdgeNetwork].Address,
	}
	return e.scale(next, scale, slices.Contains(c.Args, "--no-recreate"))
}

// runOnce is `docker compose run`.
func (e *Engine) runOnce(c command.Command) (string, error) {
	at := slices.IndexFunc(c.Args, func(arg string) bool { return arg == "--no-TTY" }) + 1
	name, args := c.Args[at], c.Args[at+1:]
	def, err := definition(c, name)
	if err != nil {
		return "", err
	}
	if def.Networks[contract.EdgeNetwork].Address != "" {
		return "", Fail("Error response from daemon: Address already in use")
	}
	e.mu.Lock()
	e.calls = append(e.calls, "run "+def.Image+" "+strings.Join(args, " "))
	run := e.Runs[def.Image]
	e.mu.Unlock()
	if run == nil {
		return "", nil
	}
	return run(args)
}

// digests is what the engine knows of an image's digests.
func (e *Engine) digests(image string) (string, error) {
	repository, digest, pinned := strings.Cut(image, "@")
	if i := strings.LastIndex(repository, ":"); i > strings.LastIndex(repository, "/") {
		repository = repository[:i]
	}
	if !pinned {
		digest = cmp.Or(e.Digests[image], "sha256:"+contract.Sum([]byte(image)))
	}
	text, err := json.Marshal([]string{"example.com/other@sha256:0", repository + "@" + digest})
	return string(text), err
}

// definition reads a service of the Compose file as a command's environment completes it.
func definition(c command.Command, name string) (service, error) {
	path := c.Args[slices.Index(c.Args, "--file")+1]
	content, err := os.ReadFile(path)
	if err != nil {
		return service{}, Fail("open " + path + ": no such file or directory")
	}
	env := environment(filepath.Join(filepath.Dir(path), ".env"), c.Env)
	text := variableRE.ReplaceAllStringFunc(string(content), func(v string) string {
		match := variableRE.FindStringSubmatch(v)
		if value := env[match[1]]; value != "" || match[2] == "" {
			return value
		}
		return match[2]
	})
	var file struct {
		Services map[string]service `yaml:"services"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return service{}, err
	}
	return file.Services[name], nil
}

// scale makes a service have so many containers.
func (e *Engine) scale(next Container, scale int, keep bool) error {
	number, have := 0, 0
	for _, c := range slices.Clone(e.containers) {
		if c.Service != next.Service || c.OneOff {
			continue
		}
		have++
		if i := strings.LastIndex(c.Name, "-"); i >= 0 {
			n, _ := strconv.Atoi(c.Name[i+1:])
			number = max(number, n)
		}
		switch {
		case !keep && c.Sum != next.Sum:
			e.containers = slices.DeleteFunc(e.containers, func(o *Container) bool { return o == c })
			c.down()
			have--
		case c.Status != "running":
			e.calls = append(e.calls, "up starts "+c.Name)
			e.start(c)
		}
	}
	for ; have < scale; have++ {
		if !slices.Contains(e.images, next.Image) {
			return Fail("Error response from daemon: No such image: " + next.Image)
		}
		if next.Fixed != "" && slices.ContainsFunc(e.containers, func(c *Container) bool { return c.Fixed == next.Fixed }) {
			return Fail("Error response from daemon: Address already in use")
		}
		number++
		e.made++
		c := next
		c.ID = fmt.Sprintf("%064x", e.made)
		c.ip = cmp.Or(c.Fixed, fmt.Sprintf("10.0.%d.%d", e.made/256, e.made%256))
		if c.Name == "" {
			c.Name = ContainerName(c.Service, number)
		}
		if e.Volume[c.Image] {
			c.volume = fmt.Sprintf("anonymous-%d", e.made)
			e.volumes = append(e.volumes, c.volume)
		}
		e.calls = append(e.calls, "up makes "+c.Name)
		e.containers = append(e.containers, &c)
		e.start(&c)
	}
	return nil
}

func (e *Engine) start(c *Container) {
	c.Status = "running"
	c.starts++
	if as := e.Starts[c.Image]; as != nil {
		as(c)
	}
	if c.Status != "running" || c.server != nil {
		return
	}
	handler := e.Handlers[c.Image]
	if handler == nil {
		handler = func(http.ResponseWriter, *http.Request) {}
	}
	c.server = httptest.NewServer(handler)
}

func (c *Container) down() {
	if c.server != nil {
		c.server.CloseClientConnections()
		c.server.Close()
		c.server = nil
	}
}

func environment(path string, more []string) map[string]string {
	content, _ := os.ReadFile(path)
	env := map[string]string{}
	for _, line := range append(strings.Split(string(content), "\n"), more...) {
		name, value, _ := strings.Cut(line, "=")
		env[name] = strings.Trim(value, `"`)
	}
	return env
}

func (e *Engine) inspect(ids []string) (string, error) {
	var all []map[string]any
	for _, id := range ids {
		c := e.find(id)
		if c == nil {
			return "", Fail("Error: No such container: " + id)
		}
		networks := map[string]any{}
		if !c.NoNetwork {
			networks[Project+"_"+contract.EdgeNetwork] = map[string]any{
				"IPAddress": c.ip, "IPAMConfig": map[string]any{"IPv4Address": c.Fixed},
			}
		}
		all = append(all, map[string]any{
			"Id": c.ID, "Name": "/" + c.Name, "Image": "sha256:" + c.Image, "RestartCount": c.Restarts,
			"State": map[string]any{
				"Status": c.Status, "ExitCode": c.ExitCode, "OOMKilled": c.OutOfMemory, "StartedAt": strconv.Itoa(c.starts),
				"Pid": c.PID,
			},
			"HostConfig": map[string]any{"Init": !c.NoInit, "Memory": 256 << 20},
			"Config": map[string]any{
				"Image": c.Image, "Healthcheck": map[string]any{"Test": []string{"CMD", "check"}},
				"Labels": map[string]string{
					"com.docker.compose.project": Project, "com.docker.compose.service": c.Service,
					"com.docker.compose.oneoff": strconv.FormatBool(c.OneOff), contract.SumLabel: c.Sum,
				},
			},
			"NetworkSettings": map[string]any{"SandboxKey": "/run/netns/" + c.ID, "Networks": networks},
		})
	}
	out, err := json.Marshal(all)
	return string(out), err
}

// list is `docker image ls`. An image without repository is one that has lost its name.
func (e *Engine) list() string {
	var out strings.Builder
	for _, image := range e.images {
		row := map[string]string{"ID": "sha256:" + image, "Repository": "<none>", "Tag": "<none>", "Digest": "<none>"}
		name, digest, pinned := strings.Cut(image, "@")
		if i := strings.LastIndex(name, ":"); i > 0 {
			row["Repository"], row["Tag"] = name[:i], name[i+1:]
		}
		if pinned {
			row["Tag"], row["Digest"] = "<none>", digest
		}
		line, _ := json.Marshal(row)
		out.Write(append(line, '\n'))
	}
	return out.String()
}
