package machine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"webstack/local/workdir"
)

// packages are on every machine, as on Ubuntu's images. Docker is not: the stack installs it.
var packages = []string{
	"ca-certificates", "curl", "dbus", "e2fsprogs", "iproute2", "iptables", "kmod", "procps", "sudo", "systemd-sysv",
	"util-linux",
}

// recipe changes when images must be rebuilt although their base and packages are the same.
const recipe = "1"

// base is what images are made from.
type base struct {
	name string // goes into the image's hash
	make func(ctx context.Context, tag, arch string) error
}

const ubuntu = "ubuntu:24.04"

// Prepare makes the image of machines and the agent if they are missing. That takes about two minutes for both; show,
// if not nil, is called with the progress.
func Prepare(ctx context.Context, root string, show func(title string) (done func())) error {
	_, err := prepare(ctx, root, show)
	return err
}

// prepared is what machines are made from.
type prepared struct {
	image  string
	agent  string // path of the program
	rights []string
}

func prepare(ctx context.Context, root string, show func(string) func()) (p prepared, err error) {
	engine, err := lookUp(ctx)
	if err != nil {
		return p, err
	}
	arch, err := engine.goArch()
	if err != nil {
		return p, err
	}
	if p.image, err = image(ctx, engine, show); err != nil {
		return p, err
	}
	if p.agent, err = buildAgent(ctx, root, arch, show); err != nil {
		return p, err
	}
	p.rights, err = chooseRights(ctx, engine, p.image)
	return p, err
}

// image returns the name of the image of machines, and makes it if it is missing. Only one process makes it at a time,
// because clones share it.
func image(ctx context.Context, engine found, show func(string) func()) (string, error) {
	arch, err := engine.goArch()
	if err != nil {
		return "", err
	}
	from, err := chooseBase(ctx, engine)
	if err != nil {
		return "", err
	}
	tag := imageTag(from.name, arch)
	if imageExists(ctx, tag) {
		return tag, nil
	}
	lock := fmt.Sprintf("%s-%d.lock", strings.ReplaceAll(tag, ":", "-"), os.Getuid())
	release, err := workdir.Lock(ctx, filepath.Join(os.TempDir(), lock), nil)
	if err != nil {
		return "", err
	}
	defer release()
	if imageExists(ctx, tag) {
		return tag, nil
	}
	defer step(show, "Making the image of hosts from "+from.name)()
	if err := from.make(ctx, tag, arch); err != nil {
		return "", fmt.Errorf("make the image of hosts from %s: %w", from.name, err)
	}
	return tag, nil
}

// imageTag names an image by what it is made from.
func imageTag(from, arch string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{recipe, from, arch}, packages...), "\n")))
	return "webstack-machine:" + hex.EncodeToString(sum[:6])
}

func imageExists(ctx context.Context, tag string) bool {
	_, err := docker(ctx, "image", "inspect", "--format", "{{.Id}}", tag)
	return err == nil
}

// chooseBase chooses Ubuntu if the engine has it or can pull it, and otherwise a Debian that is made here. An image
// that already exists is preferred, so that no network is needed.
func chooseBase(ctx context.Context, engine found) (base, error) {
	arch, err := engine.goArch()
	if err != nil {
		return base{}, err
	}
	fromUbuntu := base{name: ubuntu, make: buildUbuntu}
	fromDebian := base{name: "debian:" + suite, make: bootstrapDebian}
	for _, b := range []base{fromUbuntu, fromDebian} {
		if imageExists(ctx, imageTag(b.name, arch)) {
			return b, nil
		}
	}
	if imageExists(ctx, ubuntu) {
		return fromUbuntu, nil
	}
	_, pullErr := docker(ctx, "pull", "--quiet", ubuntu)
	if pullErr == nil {
		return fromUbuntu, nil
	}
	if err := canBootstrap(); err != nil {
		return base{}, fmt.Errorf("make an image for hosts: %s cannot be pulled (%w), and %w", ubuntu, pullErr, err)
	}
	return fromDebian, nil
}

// buildUbuntu makes the image from Ubuntu's.
func buildUbuntu(ctx context.Context, tag, _ string) error {
	dockerfile := "FROM " + ubuntu + "\n" +
		"RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends " +
		strings.Join(packages, " ") + " && apt-get clean && rm -rf /var/lib/apt/lists/* /usr/sbin/policy-rc.d\n"
	_, err := dockerWith(ctx, strings.NewReader(dockerfile), "build", "--quiet", "--tag", tag, "-")
	return err
}

const (
	suite  = "trixie"
	mirror = "http://deb.debian.org/debian"
)

// canBootstrap returns why a Debian cannot be made here, and what to do.
func canBootstrap() error {
	if _, err := exec.LookPath("debootstrap"); err == nil && os.Geteuid() == 0 {
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("making a Debian root instead needs root: load the image " + ubuntu +
			" into the engine with docker load, or run this command once as root")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("debootstrap, which makes a Debian root, is not installed: install it, or load the image " +
			ubuntu + " into the engine with docker load")
	}
	return nil
}

// bootstrapDebian makes the image from Debian's packages.
func bootstrapDebian(ctx context.Context, tag, arch string) error {
	if _, err := exec.LookPath("debootstrap"); err != nil {
		if err := installDebootstrap(ctx); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "webstack-machine-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root := filepath.Join(dir, "root")
	out, err := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--arch="+arch,
		"--include="+strings.Join(packages, ","), suite, root, mirror).CombinedOutput()
	if err != nil {
		return fmt.Errorf("debootstrap: %w: %s", err, lastLine(string(out)))
	}
	// Leftovers of the installation are of no use on a machine.
	for _, pattern := range []string{"var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "var/log/*"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	sources := "deb " + mirror + " " + suite + " main\ndeb " + mirror + " " + suite + "-updates main\n" +
		"deb http://deb.debian.org/debian-security " + suite + "-security main\n"
	if err := os.WriteFile(filepath.Join(root, "etc/apt/sources.list"), []byte(sources), 0o644); err != nil {
		return err
	}
	return importRoot(ctx, root, tag)
}

func installDebootstrap(ctx context.Context) error {
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "debootstrap"}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("install debootstrap: apt-get %s: %w: %s", args[0], err, lastLine(string(out)))
		}
	}
	return nil
}

// importRoot makes an image from a folder.
func importRoot(ctx context.Context, root, tag string) error {
	pack := exec.CommandContext(ctx, "tar", "-C", root, "-c", ".")
	packed, err := pack.StdoutPipe()
	if err != nil {
		return err
	}
	if err := pack.Start(); err != nil {
		return fmt.Errorf("pack the Debian root: %w", err)
	}
	_, err = dockerWith(ctx, packed, "import", "-", tag)
	if packErr := pack.Wait(); err == nil && packErr != nil {
		_, rmErr := docker(ctx, "image", "rm", tag)
		return errors.Join(fmt.Errorf("pack the Debian root: %w", packErr), rmErr)
	}
	return err
}
