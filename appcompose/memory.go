package appcompose

import (
	"fmt"
	"strconv"

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

// memoryWarning says that the limits of all containers together are more than the host has, "" where they are not.
func memoryWarning(in RenderInput) string {
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
	return fmt.Sprintf("the containers' memory limits add up to %d MiB, and a %s has %d MiB: if the apps use all they may, "+
		"the kernel kills some of them; lower memoryMb of the apps, or choose a larger instanceType", sum, in.InstanceType, in.HostMemoryMb)
}

func clamp(v, low, high int) int { return min(max(v, low), high) }

func mebibytes(mb int) string { return strconv.Itoa(mb) + "m" }
