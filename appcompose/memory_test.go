package appcompose

import "testing"

func TestHostMemory(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string]int{
		"t4g.nano":     512,
		"t4g.micro":    1024,
		"t4g.small":    2048,
		"t3.small":     2048,
		"t4g.medium":   4096,
		"m7g.medium":   4096,
		"m7g.large":    8192,
		"t4g.2xlarge":  32768,
		"c7g.medium":   2048,
		"c7gn.xlarge":  8192,
		"r8g.medium":   8192,
		"x2gd.large":   16384,
		"a1.large":     4096,
		"g5g.xlarge":   2048,
		"m7g.metal":    2048,
		"m7g.0xlarge":  2048,
		"nonsense":     2048,
		"m7g.-4xlarge": 2048,
	} {
		if got := hostMemoryMb(instanceType); got != want {
			t.Errorf("%s: %d MiB, want %d", instanceType, got, want)
		}
	}
}

func TestShareMemory(t *testing.T) {
	t.Parallel()
	want := memory{
		caddy: 256, postgres: 768, sharedBuffers: 256, maintenanceMem: 64, workMem: 4, shm: 128, maxConnections: 102,
	}
	if got := shareMemory("t4g.small"); got != want {
		t.Errorf("t4g.small: got %+v, want %+v", got, want)
	}
	for _, instanceType := range []string{"t4g.nano", "t4g.small", "m7g.16xlarge", "r8g.48xlarge"} {
		m := shareMemory(instanceType)
		if host := hostMemoryMb(instanceType); m.caddy+m.postgres > host*2/3 {
			t.Errorf("%s: %+v leaves the apps less than a third of %d MiB", instanceType, m, host)
		}
		if m.sharedBuffers+m.maintenanceMem+m.shm > m.postgres {
			t.Errorf("%s: %+v: Postgres' own memory does not fit its limit", instanceType, m)
		}
	}
}

func TestConnectionsFitIntoMemory(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string][2]int{
		"t4g.nano": {1024, 64}, "t4g.small": {2048, 128}, "t4g.medium": {4096, 256}, "r8g.48xlarge": {8192, 256},
	} {
		m := shareMemory(instanceType)
		got := m.web([]string{"192.0.2.0/24"})
		if got.Connections != want[0] || got.ConnectionsPerAddress != want[1] || len(got.Proxies) != 1 {
			t.Errorf("%s: got %+v, want %v", instanceType, got, want)
		}
		if got.ConnectionsPerAddress > m.caddy/2 {
			t.Errorf("%s: a visitor with %d uploads of 1 MiB takes too much of %d MiB", instanceType, got.ConnectionsPerAddress, m.caddy)
		}
	}
}
