package machine

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"webstack/local/machine/wire"
)

// unpack returns the contents of files and the targets of links in an archive, and fails if a file comes before its
// folder.
func unpack(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	content, folders := map[string]string{}, map[string]bool{"/": true}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := r.Next()
		if err == io.EOF {
			return content
		}
		if err != nil {
			t.Fatal(err)
		}
		name := "/" + filepath.Clean(header.Name)
		if !folders[filepath.Dir(name)] {
			t.Errorf("%s comes before its folder", name)
		}
		switch header.Typeflag {
		case tar.TypeDir:
			folders[name] = true
		case tar.TypeSymlink:
			content[name] = "-> " + header.Linkname
		default:
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			content[name] = string(text)
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	agent := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(agent, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	const firstBoot = "/etc/systemd/system/multi-user.target.wants/machine-first-boot.service"
	for name, c := range map[string]struct {
		userData, ca string
		want         map[string]string
	}{
		"bare": {"", "", map[string]string{wire.Program: "program", wire.UserData: "", wire.Certificate: "", firstBoot: "",
			"/etc/systemd/system/systemd-udevd.service": "-> /dev/null"}},
		"script": {"#!/bin/sh\n", "PEM", map[string]string{wire.UserData: "#!/bin/sh\n", wire.Certificate: "PEM",
			firstBoot: "-> ../machine-first-boot.service"}},
		"no script": {"key: value\n", "", map[string]string{wire.UserData: "", firstBoot: ""}},
	} {
		archive, err := layout(agent, Spec{UserData: []byte(c.userData)}, []byte(c.ca))
		if err != nil {
			t.Fatal(err)
		}
		got := unpack(t, archive)
		for path, want := range c.want {
			if got[path] != want {
				t.Errorf("%s: %s is %q, want %q", name, path, got[path], want)
			}
		}
	}
	if _, err := layout(agent+".missing", Spec{}, nil); err == nil {
		t.Error("a machine without an agent was laid out")
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	archive, err := orders([]wire.Volume{{ID: "vol-2", SizeGiB: 2}, {ID: "vol-1", SizeGiB: 1}})
	if err != nil {
		t.Fatal(err)
	}
	var config wire.Config
	if err := json.Unmarshal([]byte(unpack(t, archive)[wire.ConfigFile]), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Volumes) != 2 || config.Volumes[0] != (wire.Volume{ID: "vol-1", SizeGiB: 1}) {
		t.Errorf("the machine is told %+v", config)
	}
}

func TestImageTag(t *testing.T) {
	t.Parallel()
	tags := map[string]bool{imageTag(ubuntu, "amd64"): true, imageTag(ubuntu, "arm64"): true, imageTag("debian", "amd64"): true}
	if len(tags) != 3 {
		t.Errorf("what an image is made of does not decide its name: %v", tags)
	}
}

func TestArm(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string]bool{
		"t4g.small": true, "m7gd.large": true, "c8gn.xlarge": true, "a1.medium": true,
		"t3.small": false, "g4dn.xlarge": false, "m7i.large": false, "t3a.micro": false,
	} {
		if got := arm(instanceType); got != want {
			t.Errorf("%s: %v", instanceType, got)
		}
	}
}
