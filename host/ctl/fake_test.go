package ctl

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"webstack/host/internal/commandtest"
	"webstack/host/internal/s3test"
	"webstack/host/internal/ssmtest"
	"webstack/host/volume"
)

// cloud is storage and Parameter Store behind one address.
type cloud struct {
	s3test.Server
	parameters ssmtest.Server
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ssmtest.Handles(r) {
		c.parameters.ServeHTTP(w, r)
		return
	}
	c.Server.ServeHTTP(w, r)
}

const volumeID = "vol-0123456789abcdef0"

// machine makes up a container with the data volume mounted, and programs that fail. Everything that would be changed
// outside of the stack directory is below a directory of the test's own.
func machine(t *testing.T) (volume.System, *commandtest.Runner) {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	s := volume.System{
		DataDir: in("data"), Links: in("links"), Mounts: in("mountinfo"), Units: in("units"), Lock: in("lock"),
		Mark: in("mark"),
	}
	for _, made := range []string{s.DataDir, s.Links, s.Units} {
		if err := os.Mkdir(made, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	disk := make([]byte, 4096)
	disk[1024+0x38], disk[1024+0x39], disk[1024+4] = 0x53, 0xef, 4 // an ext4 file system of 4 KiB
	for name, content := range map[string][]byte{
		filepath.Join(s.Links, "nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"): disk,
		s.Mounts: []byte("1 0 0:0 / " + s.DataDir + " rw - ext4 /dev/fake rw\n"),
	} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := &commandtest.Runner{}
	for _, works := range []string{"systemctl", "systemd-detect-virt"} {
		run.Set(works, func(commandtest.Call) (string, error) { return "", nil })
	}
	run.Set("docker", func(commandtest.Call) (string, error) {
		return "", commandtest.Fail("docker", 1, "Cannot connect to the Docker daemon")
	})
	return s, run
}
