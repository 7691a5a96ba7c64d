package status

import (
	"context"
	"strings"

	"webstack/host/command"
	"webstack/host/docker"
)

// kernelLines limits how many kills are read from the kernel's log.
const kernelLines = "2000"

// kills counts, by container ID, how often the kernel has killed one of its processes because of its memory limit since
// the host booted. The engine knows only about the current run of a container, so one that is restarted each time would
// look healthy. If the kernel's log cannot be read, nothing is known.
func (r *reader) kills(ctx context.Context) map[string]int {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := r.Engine.Runner.Run(ctx, command.Command{Name: "journalctl", Args: []string{
		"--quiet", "--dmesg", "--boot", "--no-pager", "--output", "cat", "--lines", kernelLines, "--grep", "oom-kill:constraint=",
	}})
	if err != nil || len(out) == 0 {
		// If the host is a container, its journal has no kernel messages.
		if out, err = r.Engine.Runner.Run(ctx, command.Command{Name: "dmesg"}); err != nil {
			return nil
		}
	}
	found := map[string]int{}
	for line := range strings.Lines(string(out)) {
		for _, c := range r.containers {
			if c.ID != "" && strings.Contains(line, "oom-kill:constraint=") && strings.Contains(line, "task_memcg=") && strings.Contains(line, c.ID) {
				found[c.ID]++
			}
		}
	}
	return found
}

// memoryKills returns how often a process of a container was killed because of its memory limit, as far as known.
func (r *reader) memoryKills(c docker.Container) int {
	if known := r.killed[c.ID]; known > 0 || !c.OutOfMemory {
		return known
	}
	return 1
}
