package appcompose

import (
	"strconv"
	"strings"

	"webstack/contract"
)

// memory is how the host's memory is shared out, in MiB. It depends on the instance type alone: if it depended on the
// apps, adding one would restart Postgres and Caddy. The limits of all containers together may exceed the host's
// memory; they keep one container from taking it all.
type memory struct {
	caddy          int // limit of Caddy's container
	postgres       int // limit of Postgres' container; the page cache counts into it
	sharedBuffers  int
	maintenanceMem int
	workMem        int
	shm            int // /dev/shm of Postgres, for parallel queries
	maxConnections int
}

// What connections cost Caddy at most. An idle one, or one whose headers are not complete, takes about 100 KiB; one with an
// HTTP/2 or HTTP/3 upload that the app does not read, a mebibyte.
const (
	connectionsPerMb  = 8
	mbPerBusyVisitors = 2
)

// web bounds the connections so that they fit into Caddy's memory: in all, and those of one address even when each costs
// as much as it can.
func (m memory) web(proxies []string) contract.Web {
	return contract.Web{
		Connections: m.caddy * connectionsPerMb, ConnectionsPerAddress: clamp(m.caddy/mbPerBusyVisitors, 64, 256), Proxies: proxies,
	}
}

func shareMemory(instanceType string) memory {
	host := hostMemoryMb(instanceType)
	return memory{
		caddy:          clamp(host/8, 128, 1024),
		postgres:       max(host*3/8, 192),
		sharedBuffers:  max(host/8, 32),
		maintenanceMem: clamp(host/32, 16, 1024),
		workMem:        clamp(host/512, 2, 64),
		shm:            clamp(host/16, 64, 1024),
		maxConnections: clamp(host/20, 50, 500),
	}
}

// hostMemoryMb is the memory of an instance type in MiB, by AWS's rule that sizes double and that the compute
// families (c) have half and the memory families (r, x, z) twice the memory of the general ones (m, t). For a type
// outside of the rule it assumes the smallest that this stack is made for, 2 GiB.
func hostMemoryMb(instanceType string) int {
	const unknown = 2048
	family, size, _ := strings.Cut(instanceType, ".")
	burstable := map[string]int{"nano": 512, "micro": 1024, "small": 2048}
	general, known := burstable[size]
	switch {
	case known:
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
			return unknown
		}
		general = 16384 * times
	default:
		return unknown
	}
	switch {
	case family == "":
		return unknown
	case strings.HasPrefix(family, "t"), strings.HasPrefix(family, "m"):
		return general
	case strings.HasPrefix(family, "c"), family == "a1":
		return general / 2
	case strings.HasPrefix(family, "r"), strings.HasPrefix(family, "x"), strings.HasPrefix(family, "z"):
		return general * 2
	}
	return unknown
}

func clamp(v, low, high int) int { return min(max(v, low), high) }

func mebibytes(mb int) string { return strconv.Itoa(mb) + "m" }
