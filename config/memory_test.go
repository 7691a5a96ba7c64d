package config_test

import (
	"testing"

	"webstack/config"
)

func TestHostMemory(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string]int{ // 0: not known, and 2 GiB are assumed
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
		"g5g.xlarge":   0,
		"m7g.metal":    0,
		"m7g.0xlarge":  0,
		"nonsense":     0,
		"m7g.-4xlarge": 0,
	} {
		got, known := (&config.Config{InstanceType: instanceType}).HostMemoryMb()
		if known != (want != 0) || known && got != want || !known && got != 2048 {
			t.Errorf("%s: %d MiB, known %v, want %d", instanceType, got, known, want)
		}
	}
}

func TestPostgresConnections(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string]int{"t4g.nano": 50, "t4g.small": 102, "m7g.16xlarge": 500} {
		if got := (&config.Config{InstanceType: instanceType}).PostgresConnections(); got != want {
			t.Errorf("%s: %d, want %d", instanceType, got, want)
		}
	}
}
