package appcompose

import (
	"strings"
	"testing"

	"webstack/config"
)

func TestShareMemory(t *testing.T) {
	t.Parallel()
	want := memory{caddy: 256, postgres: 768, sharedBuffers: 256, maintenanceMem: 64, workMem: 4, shm: 128}
	if got := shareMemory(&config.Config{InstanceType: "t4g.small"}); got != want {
		t.Errorf("t4g.small: got %+v, want %+v", got, want)
	}
	for _, instanceType := range []string{"t4g.nano", "t4g.small", "m7g.16xlarge", "r8g.48xlarge"} {
		c := &config.Config{InstanceType: instanceType}
		m := shareMemory(c)
		if host, _ := c.HostMemoryMb(); m.caddy+m.postgres > host*2/3 {
			t.Errorf("%s: %+v leaves the apps less than a third of %d MiB", instanceType, m, host)
		}
		if m.sharedBuffers+m.maintenanceMem+m.shm > m.postgres {
			t.Errorf("%s: %+v: Postgres' own memory does not fit its limit", instanceType, m)
		}
	}
}

func TestMemoryWarning(t *testing.T) {
	t.Parallel()
	apps := func(memory ...int) (list []config.App) {
		for _, mb := range memory {
			list = append(list, config.App{MemoryMb: mb})
		}
		return list
	}
	for _, c := range []struct {
		config config.Config
		want   string
	}{
		{config.Config{InstanceType: "t4g.small", Apps: apps(512, 512)}, ""},
		{config.Config{InstanceType: "t4g.small", Apps: apps(512, 513)},
			"the containers' memory limits add up to 2049 MiB, and a t4g.small has 2048 MiB"},
		{config.Config{InstanceType: "t4g.small", EnableExternalPostgres: true, Apps: apps(512, 1280)}, ""},
		{config.Config{InstanceType: "g5g.xlarge", Apps: apps(100000)}, ""}, // its memory is not known
	} {
		got := memoryWarning(&c.config)
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.config, got, c.want)
		}
	}
}

func TestConnectionsFitIntoMemory(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string][2]int{
		"t4g.nano": {1024, 64}, "t4g.small": {2048, 128}, "t4g.medium": {4096, 256}, "r8g.48xlarge": {8192, 256},
	} {
		m := shareMemory(&config.Config{InstanceType: instanceType})
		got := m.web([]string{"192.0.2.0/24"})
		if got.Connections != want[0] || got.ConnectionsPerAddress != want[1] || len(got.Proxies) != 1 {
			t.Errorf("%s: got %+v, want %v", instanceType, got, want)
		}
		if got.ConnectionsPerAddress > m.caddy/2 {
			t.Errorf("%s: a visitor with %d uploads of 1 MiB takes too much of %d MiB", instanceType, got.ConnectionsPerAddress, m.caddy)
		}
	}
}
