package moto

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"webstack/internal/atomicfile"
)

// image is a machine image in moto's list.
type image struct {
	ID             string `json:"ami_id"`
	Name           string `json:"name"`
	Description    string `json:"description"`
	Owner          string `json:"owner_id"`
	Architecture   string `json:"architecture"`
	RootDevice     string `json:"root_device_name"`
	RootDeviceType string `json:"root_device_type"`
	Virtualization string `json:"virtualization_type"`
	Hypervisor     string `json:"hypervisor"`
	State          string `json:"state"`
	Type           string `json:"image_type"`
	Location       string `json:"image_location"`
	Sriov          string `json:"sriov"`
	Public         bool   `json:"public"`
}

// canonical is the account that publishes Ubuntu's images.
const canonical = "099720109477"

// ubuntu describes an image of Ubuntu; amazon is EC2's name of the architecture arch.
func ubuntu(id, release, version, arch, amazon, date string) image {
	name := fmt.Sprintf("ubuntu/images/hvm-ssd-gp3/ubuntu-%s-%s-%s-server-%s", release, version, arch, date)
	return image{
		ID: id, Name: name, Owner: canonical, Architecture: amazon,
		Description: "Canonical, Ubuntu, " + version + ", " + arch,
		RootDevice:  "/dev/sda1", RootDeviceType: "ebs", Virtualization: "hvm", Hypervisor: "xen", State: "available",
		Type: "machine", Location: "amazon/" + name, Sriov: "simple", Public: true,
	}
}

// current are the ids of Canonical's current images of Ubuntu 24.04, by GOARCH.
var current = map[string]string{"arm64": "ami-0a24f04c0de00a764", "amd64": "ami-0a24f04c0de00a064"}

// images are all images of the account: the current one and an older release for each architecture. The newest is last,
// because moto sets each image's creation date when it loads it (a given date would fail in the second region). moto's
// own hundreds of images take a second to load, and none is a current Ubuntu.
var images = []image{
	ubuntu("ami-0a22f04c0de00a764", "jammy", "22.04", "arm64", "arm64", "20261008"),
	ubuntu("ami-0a22f04c0de00a064", "jammy", "22.04", "amd64", "x86_64", "20261008"),
	ubuntu(current["arm64"], "noble", "24.04", "arm64", "arm64", "20261015"),
	ubuntu(current["amd64"], "noble", "24.04", "amd64", "x86_64", "20261015"),
}

// Image returns the id of the account's current image of Ubuntu 24.04 for arm64 or amd64; "" for other architectures.
func Image(arch string) string { return current[arch] }

// writeImages writes moto's list of images into dir and returns its path.
func writeImages(dir string) (string, error) {
	text, err := json.MarshalIndent(images, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write the list of machine images: %w", err)
	}
	path := filepath.Join(dir, "images.json")
	return path, atomicfile.Write(path, append(text, '\n'), 0o644)
}
