package render

import (
	"strings"
	"testing"
)

func TestShareMemory(t *testing.T) {
	t.Parallel()
	want := memory{caddy: 256, postgres: 768, sharedBuffers: 256, maintenanceMem: 64, workMem: 4, shm: 128}
	if got := shareMemory(2048); got != want {
		t.Errorf("2 GiB: got %+v, want %+v", got, want)
	}
	for _, host := range []int{512, 2048, 256 << 10, 1536 << 10} {
		m := shareMemory(host)
		if m.caddy+m.postgres > host*2/3 {
			t.Errorf("%+v leaves the apps less than a third of %d MiB", m, host)
		}
		if m.sharedBuffers+m.maintenanceMem+m.shm > m.postgres {
			t.Errorf("%d MiB: %+v: Postgres' own memory does not fit its limit", host, m)
		}
	}
}

func TestMemoryWarning(t *testing.T) {
	t.Parallel()
	apps := func(memory ...int) (list []App) {
		for _, mb := range memory {
			list = append(list, App{MemoryMb: mb})
		}
		return list
	}
	small := func(in Input) Input {
		in.InstanceType, in.HostMemoryMb, in.HostMemoryKnown = "t4g.small", 2048, true
		return in
	}
	for _, c := range []struct {
		input Input
		want  string
	}{
		{small(Input{Apps: apps(512, 512)}), ""},
		{small(Input{Apps: apps(512, 513)}),
			"the containers' memory limits add up to 2049 MiB, but a t4g.small has 2048 MiB"},
		{small(Input{ExternalPostgres: true, Apps: apps(512, 1280)}), ""},
		{Input{HostMemoryMb: 2048, Apps: apps(100000)}, ""}, // its memory is not known
	} {
		got := MemoryWarning(c.input)
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.input, got, c.want)
		}
	}
}

func TestConnectionsFitIntoMemory(t *testing.T) {
	t.Parallel()
	for host, want := range map[int][2]int{
		512: {1024, 64}, 2048: {2048, 128}, 4096: {4096, 256}, 1536 << 10: {8192, 256},
	} {
		m := shareMemory(host)
		got := m.web([]string{"192.0.2.0/24"})
		if got.Connections != want[0] || got.ConnectionsPerAddress != want[1] || len(got.Proxies) != 1 {
			t.Errorf("%d MiB: got %+v, want %v", host, got, want)
		}
		if got.ConnectionsPerAddress > m.caddy/2 {
			t.Errorf("%d MiB: a visitor with %d uploads of 1 MiB takes too much of %d MiB", host, got.ConnectionsPerAddress, m.caddy)
		}
	}
}
