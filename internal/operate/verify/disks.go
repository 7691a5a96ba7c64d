package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"webstack/contract"
)

// Shares of a disk's space or inodes in use, in percent. At the second one, something is about to stop working.
const (
	warnFull = 80
	failFull = 95
)

func checkDisks(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	var out []finding
	for _, disk := range status.Disks {
		out = append(out, judgeDisk(disk, status))
	}
	return out, nil
}

func judgeDisk(disk contract.DiskStatus, status contract.Status) finding {
	space, inodes := disk.Used()
	found := fmt.Sprintf("%d %% of its space and %d %% of its inodes are in use", space, inodes)
	used := max(space, inodes)
	if used < warnFull {
		return passed(disk.Path, "%s", found)
	}
	do := "webstack shell, then: sudo docker system df; remove what is not needed, or increase webstack:rootVolumeSize"
	size := func(a contract.AppStatus) int64 { return a.Written }
	what := "its containers have written"
	if disk.Path == contract.DataDir {
		do = "delete rows or databases that are not needed, or increase webstack:dataVolumeSize"
		what = "its database has"
		size = func(a contract.AppStatus) int64 {
			if a.Database == nil {
				return 0
			}
			return a.Database.Size
		}
	}
	if len(status.Apps) > 0 {
		most := slices.MaxFunc(status.Apps, func(a, b contract.AppStatus) int { return cmp.Compare(size(a), size(b)) })
		if size(most) > 0 {
			found += fmt.Sprintf("; the app %s uses most: %s %d MiB", most.Name, what, size(most)>>20)
		}
	}
	if used >= failFull {
		return failed(disk.Path, do, "%s", found)
	}
	return warned(disk.Path, do, "%s", found)
}
