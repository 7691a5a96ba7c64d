package volume

import (
	"context"
	"fmt"
	"os"
	"path"

	"webstack/contract"
	"webstack/host/files"
)

// Unit is the unit that mounts the volume at boot.
const Unit = "webstack-data.service"

// bootWait is how long a boot waits for the volume. Docker does not start earlier.
const bootWait = "2m"

const unitText = `# Written by webstackctl; changes are lost.
[Unit]
Description=Data volume of Webstack
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=%s
TimeoutStartSec=15min
`

// dockerText keeps Docker, and with it every container, from starting without the volume.
const dockerText = `# Written by webstackctl; changes are lost.
[Unit]
Requires=%[1]s
After=%[1]s
AssertPathIsMountPoint=%[2]s
`

// BootCommand returns the unit's command, which mounts a volume at every boot.
func BootCommand(stackDir, id string) string {
	return fmt.Sprintf("%s mount --volume %s --stack-dir %s --wait %s", contract.Paths{StackDir: stackDir}.HostProgram(), id,
		stackDir, bootWait)
}

// mark exists next to the units until systemd has read them, so that a later run finishes the work of a killed one.
const reloadMark = ".webstack-reload"

// installUnits writes the unit and Docker's dependency on it, and makes systemd read them if they changed.
func (v *volume) installUnits(ctx context.Context) error {
	root, err := os.OpenRoot(v.System.Units)
	if err != nil {
		return fmt.Errorf("open the directory of systemd units: %w", err)
	}
	defer func() { _ = root.Close() }()
	units := []struct{ name, text string }{
		{Unit, fmt.Sprintf(unitText, BootCommand(v.StackDir, v.ID))},
		{path.Join("docker.service.d", "webstack.conf"), fmt.Sprintf(dockerText, Unit, v.System.DataDir)},
	}
	_, err = root.Lstat(reloadMark)
	stale := err == nil
	for _, unit := range units {
		same, err := files.Is(root, unit.name, []byte(unit.text), 0o644)
		if err != nil {
			return fmt.Errorf("install %s: %w", unit.name, err)
		}
		stale = stale || !same
	}
	if !stale {
		return nil
	}
	if _, err := files.Write(root, reloadMark, nil, 0o644); err != nil {
		return fmt.Errorf("install %s: %w", Unit, err)
	}
	for _, unit := range units {
		if _, err := files.Write(root, unit.name, []byte(unit.text), 0o644); err != nil {
			return fmt.Errorf("install %s: %w", unit.name, err)
		}
	}
	if err := v.run(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	v.say("installed %s: Docker starts only with the data volume mounted", Unit)
	_, err = files.Remove(root, reloadMark)
	return err
}
