package status

import (
	"context"
	"strings"

	"webstack/host/command"
	"webstack/host/docker"
)

// kernelLines bounds how many kills are read from the kernel's log.
const kernelLines = "2000"

// kills counts, by container ID, how often the kernel has killed one of its processes for its memory limit since the host
// came up. The engine remembers it of the present run of a container only, so one that is restarted each time would look
// well. Where the kernel's log cannot be read, nothing is known.
func (r *reader) kills(ctx context.Context) map[string]int {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := r.Engine.Runner.Run(ctx, command.Command{Name: "journalctl", Args: []string{
		"--quiet", "--dmesg", "--boot", "--no-pager", "--output", "cat", "--lines", kernelLines, "--grep", "oom-kill:constraint=",
	}})
	if err != nil || len(out) == 0 {
		// The journal of a host that is a container has nothing of the kernel's.
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

// memoryKills is how often a process of a container was killed for its memory limit, as far as is known.
func (r *reader) memoryKills(c docker.Container) int {
	if known := r.killed[c.ID]; known > 0 || !c.OutOfMemory {
		return known
	}
	return 1
}
