package config

import (
	"maps"
	"runtime"
	"slices"
	"strings"

	"webstack/internal/lazyregexp"
)

// LocalStack is the name of the stack of the laptop cloud, and of the instance type that only this stack may use.
const LocalStack = "local"

var (
	instanceTypePattern = lazyregexp.New(`^[a-z][a-z0-9-]*[0-9][a-z0-9-]*\.[a-z0-9-]+$`)
	// Graviton families carry a g after the generation digit: t4g, c7gn, im4gn, x2gd. a1 came before that rule.
	arm64Pattern = lazyregexp.New(`^(?:a1|[a-z]+[0-9]+[a-z-]*g[a-z0-9-]*)\.`)
)

// Xen instances show EBS volumes without the NVMe ID by which the host finds its data volume.
var xenFamilies = map[string]bool{
	"t1": true, "t2": true, "m1": true, "m2": true, "m3": true, "m4": true, "c1": true, "c3": true, "c4": true,
	"r3": true, "r4": true, "x1": true, "x1e": true, "d2": true, "h1": true, "i2": true, "i3": true, "f1": true,
	"g2": true, "g3": true, "g3s": true, "p2": true, "p3": true,
}

// notNitro is a pattern of instance types that cannot be the host.
func notNitro() string {
	return `^(` + strings.Join(slices.Sorted(maps.Keys(xenFamilies)), "|") + `|mac[a-z0-9-]*)\.`
}

// Arch returns the Go name of the instance's architecture, "arm64" or "amd64".
func (c *Config) Arch() string {
	if arm64Pattern.MatchString(c.InstanceType) {
		return "arm64"
	}
	return "amd64"
}

func checkInstanceType(v string) string {
	if v == LocalStack {
		return "" // validate checks whether this stack may use it.
	}
	if !instanceTypePattern.MatchString(v) {
		return "is not an instance type"
	}
	family, _, _ := strings.Cut(v, ".")
	switch {
	case xenFamilies[family]:
		return "is not a Nitro type, so the host could not find its data volume by its NVMe ID"
	case strings.HasPrefix(family, "mac"):
		return "runs only macOS"
	}
	return ""
}

// localInstanceType is the meaning of the instance type "local": hosts of the laptop cloud are containers, so they
// have the architecture of the computer.
func localInstanceType() string {
	if runtime.GOARCH == "arm64" {
		return "t4g.small"
	}
	return "t3.small"
}
