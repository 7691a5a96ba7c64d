package machine

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"webstack/local/machine/wire"
)

const agentUnit = `[Unit]
Description=Agent of the laptop cloud
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
Before=basic.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=notify
ExecStart=` + wire.Program + ` daemon
Restart=always
RestartSec=100ms
KillMode=mixed
OOMPolicy=continue
TasksMax=infinity
`

const firstBootUnit = `[Unit]
Description=User data of the instance
After=network-online.target machine-agent.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=` + wire.Program + ` first-boot
TimeoutStartSec=infinity
`

const systemConfig = `[Manager]
DefaultEnvironment=AWS_ENDPOINT_URL=` + AWSEndpoint + `
`

const units = "/etc/systemd/system/"

// masked are units that would do harm on a machine: some would change the computer that all machines run on, such as
// its devices and kernel variables; others only take time, or start at unpredictable times.
var masked = []string{
	"apt-daily-upgrade.timer", "apt-daily.timer", "console-getty.service", "dev-hugepages.mount",
	"dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer", "getty.target", "ldconfig.service",
	"sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
	"systemd-binfmt.service", "systemd-firstboot.service", "systemd-hwdb-update.service",
	"systemd-journal-catalog-update.service", "systemd-journald-audit.socket", "systemd-logind.service",
	"systemd-modules-load.service", "systemd-sysctl.service", "systemd-udev-settle.service",
	"systemd-udev-trigger.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
	"systemd-udevd.service", "tmp.mount",
}

// archive is a tar archive of files for a machine.
type archive struct {
	buffer  bytes.Buffer
	writer  *tar.Writer
	folders map[string]bool
	err     error
}

func newArchive() *archive {
	a := &archive{folders: map[string]bool{"/": true}}
	a.writer = tar.NewWriter(&a.buffer)
	return a
}

func (a *archive) add(header tar.Header, content []byte) {
	if a.err == nil {
		a.err = a.writer.WriteHeader(&header)
	}
	if a.err == nil {
		_, a.err = a.writer.Write(content)
	}
}

// folder adds a folder and its parents.
func (a *archive) folder(name string) {
	if a.folders[name] {
		return
	}
	a.folders[name] = true
	a.folder(path.Dir(name))
	a.add(tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(name, "/") + "/", Mode: 0o755}, nil)
}

func (a *archive) file(name string, mode int64, content []byte) {
	a.folder(path.Dir(name))
	a.add(tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(name, "/"), Mode: mode, Size: int64(len(content))}, content)
}

func (a *archive) link(name, target string) {
	a.folder(path.Dir(name))
	a.add(tar.Header{Typeflag: tar.TypeSymlink, Name: strings.TrimPrefix(name, "/"), Linkname: target, Mode: 0o777}, nil)
}

// program adds the agent, whose path here is given.
func (a *archive) program(agent string) {
	content, err := os.ReadFile(agent)
	if err != nil && a.err == nil {
		a.err = err
	}
	a.file(wire.Program, 0o755, content)
}

func (a *archive) bytes() ([]byte, error) {
	if a.err == nil {
		a.err = a.writer.Close()
	}
	if a.err != nil {
		return nil, fmt.Errorf("pack the files of the machine: %w", a.err)
	}
	return a.buffer.Bytes(), nil
}

// layout returns the files that a new machine gets in addition to its image.
func layout(agent string, spec Spec, ca []byte) ([]byte, error) {
	a := newArchive()
	a.program(agent)
	a.file(units+"machine-agent.service", 0o644, []byte(agentUnit))
	a.link(units+"basic.target.wants/machine-agent.service", "../machine-agent.service")
	a.file("/etc/systemd/system.conf.d/50-aws.conf", 0o644, []byte(systemConfig))
	for _, unit := range masked {
		a.link(units+unit, "/dev/null")
	}
	if len(ca) > 0 {
		a.file(wire.Certificate, 0o644, ca)
	}
	if bytes.HasPrefix(spec.UserData, []byte("#!")) {
		a.file(wire.UserData, 0o700, spec.UserData)
		a.file(units+"machine-first-boot.service", 0o644, []byte(firstBootUnit))
		a.link(units+"multi-user.target.wants/machine-first-boot.service", "../machine-first-boot.service")
	}
	return a.bytes()
}

// frontLayout returns the files for the container of a front.
func frontLayout(agent string) ([]byte, error) {
	a := newArchive()
	a.program(agent)
	return a.bytes()
}

// orders returns what a machine is told at each start.
func orders(volumes []wire.Volume) ([]byte, error) {
	if volumes == nil {
		volumes = []wire.Volume{}
	}
	slices.SortFunc(volumes, func(a, b wire.Volume) int { return strings.Compare(a.ID, b.ID) })
	text, err := json.Marshal(wire.Config{Volumes: volumes})
	if err != nil {
		return nil, fmt.Errorf("tell the machine its volumes: %w", err)
	}
	a := newArchive()
	a.file(wire.ConfigFile, 0o644, text)
	return a.bytes()
}
