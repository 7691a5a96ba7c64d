package config

import (
	"strconv"
	"strings"
)

// unknownMemoryMb is assumed for an instance type whose memory does not follow from its name: the smallest host that
// Webstack is made for.
const unknownMemoryMb = 2048

// HostMemoryMb returns the memory of the instance type in MiB, by AWS's rule: sizes double, and the compute families
// (c) have half and the memory families (r, x, z) twice the memory of the general ones (m, t). known is false for a
// type outside the rule, for which 2 GiB are assumed.
func (c *Config) HostMemoryMb() (mb int, known bool) {
	family, size, _ := strings.Cut(c.InstanceType, ".")
	burstable := map[string]int{"nano": 512, "micro": 1024, "small": 2048}
	general, burst := burstable[size]
	switch {
	case burst:
	case size == "medium":
		general = 4096
	case size == "large":
		general = 8192
	case strings.HasSuffix(size, "xlarge"):
		times, err := strconv.Atoi(strings.TrimSuffix(size, "xlarge"))
		if size == "xlarge" {
			times, err = 1, nil
		}
		if err != nil || times < 1 || times > 64 {
			return unknownMemoryMb, false
		}
		general = 16384 * times
	default:
		return unknownMemoryMb, false
	}
	switch {
	case family == "":
		return unknownMemoryMb, false
	case strings.HasPrefix(family, "t"), strings.HasPrefix(family, "m"):
		return general, true
	case strings.HasPrefix(family, "c"), family == "a1":
		return general / 2, true
	case strings.HasPrefix(family, "r"), strings.HasPrefix(family, "x"), strings.HasPrefix(family, "z"):
		return general * 2, true
	}
	return unknownMemoryMb, false
}

// PostgresConnections is how many connections Postgres on the host accepts. Each is a process, so the number depends on
// the host's memory.
func (c *Config) PostgresConnections() int {
	host, _ := c.HostMemoryMb()
	return min(max(host/20, 50), 500)
}
