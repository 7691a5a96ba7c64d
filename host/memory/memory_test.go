package memory

import (
	"os"
	"path/filepath"
	"testing"

	"webstack/contract"
)

func write(t *testing.T, root, name, text string) {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if got := Read(root); got != (contract.MemoryStatus{}) {
		t.Errorf("without a file: %+v", got)
	}
	write(t, root, "/proc/meminfo", "MemTotal: 2048 kB\nMemAvailable: 1024 kB\nSwapTotal: 4 kB\nSwapFree: 3 kB\nHugePages_Total: 0\n")
	if got := Read(root); got != (contract.MemoryStatus{Total: 2 << 20, Available: 1 << 20, SwapTotal: 4096, SwapFree: 3072}) {
		t.Errorf("got %+v", got)
	}
}

func TestUsed(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "/proc/1/cgroup", "0::/system.slice/docker-1.scope\n")
	write(t, root, "/sys/fs/cgroup/system.slice/docker-1.scope/memory.current", "1000\n")
	write(t, root, "/proc/2/cgroup", "5:cpu:/docker/2\n4:memory:/docker/2\n0::/docker/2\n")
	write(t, root, "/sys/fs/cgroup/memory/docker/2/memory.usage_in_bytes", "2000\n")
	write(t, root, "/proc/3/cgroup", "0::/gone\n")
	for pid, want := range map[int]int64{1: 1000, 2: 2000} {
		if got, err := Used(root, pid); err != nil || got != want {
			t.Errorf("process %d: %d, %v, want %d", pid, got, err, want)
		}
	}
	for _, pid := range []int{3, 4} {
		if got, err := Used(root, pid); err == nil {
			t.Errorf("process %d: got %d", pid, got)
		}
	}
}
