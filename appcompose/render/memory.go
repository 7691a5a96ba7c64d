package render

import (
	"fmt"
	"strconv"

	"webstack/contract"
)

// memory says how the host's memory is divided, in MiB. It depends only on the instance type: if it depended on the
// apps, adding one would restart Postgres and Caddy. The limits of all containers together may exceed the host's
// memory; they keep one container from taking it all.
type memory struct {
	caddy          int // limit of Caddy's container
	postgres       int // limit of the Postgres container; it includes the page cache
	sharedBuffers  int
	maintenanceMem int
	workMem        int
	shm            int // /dev/shm of Postgres, for parallel queries
}

// The maximum memory that a connection costs Caddy. An idle one, or one with incomplete headers, takes about 100 KiB;
// one with an HTTP/2 or HTTP/3 upload that the app does not read, 1 MiB.
const (
	connectionsPerMb  = 8
	mbPerBusyVisitors = 2
)

// web limits the connections so that they fit into Caddy's memory: in total, and per address even if each of them costs
// the maximum.
func (m memory) web(proxies []string) contract.Web {
	return contract.Web{
		Connections: m.caddy * connectionsPerMb, ConnectionsPerAddress: clamp(m.caddy/mbPerBusyVisitors, 64, 256), Proxies: proxies,
	}
}

func shareMemory(host int) memory {
	return memory{
		caddy:          clamp(host/8, 128, 1024),
		postgres:       max(host*3/8, 192),
		sharedBuffers:  max(host/8, 32),
		maintenanceMem: clamp(host/32, 16, 1024),
		workMem:        clamp(host/512, 2, 64),
		shm:            clamp(host/16, 64, 1024),
	}
}

// MemoryWarning warns if the limits of all containers together exceed the host's memory; otherwise it is "".
func MemoryWarning(in Input) string {
	share := shareMemory(in.HostMemoryMb)
	sum := share.caddy
	if !in.ExternalPostgres {
		sum += share.postgres
	}
	for _, app := range in.Apps {
		sum += app.MemoryMb
	}
	if !in.HostMemoryKnown || sum <= in.HostMemoryMb {
		return ""
	}
	return fmt.Sprintf("the containers' memory limits add up to %d MiB, but a %s has %d MiB: if the apps use all of it, "+
		"the kernel kills some of them; lower memoryMb of the apps, or choose a larger instanceType", sum, in.InstanceType, in.HostMemoryMb)
}

func clamp(v, low, high int) int { return min(max(v, low), high) }

func mebibytes(mb int) string { return strconv.Itoa(mb) + "m" }
