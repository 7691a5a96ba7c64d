package backup

import (
	"context"
	"fmt"
	"time"
)

const (
	// scratchOverhead is what the throwaway server needs besides the database: its own files and its write-ahead log.
	scratchOverhead = 512 << 20
	// floor is the free space below which a backup stops, so that it never takes the live server's.
	floor = 256 << 20
)

// checkSpace fails if there is no room to back up a database of a size. A dump is smaller than its database, and is gone
// before the database is restored.
func (b *run) checkSpace(bytes int64) error { return b.checkRoom("backup", bytes) }

// checkRoom fails if there is no room for a copy of a database with a size.
func (b *run) checkRoom(what string, bytes int64) error {
	_, free, err := b.Space(b.Dir)
	if err != nil {
		return err
	}
	if need := bytes + bytes/10 + scratchOverhead + floor; free < need {
		return fmt.Errorf("make room for the %s: it needs %s on the data volume, and %s are free, so %s are missing; delete "+
			"data or raise dataVolumeSize", what, size(need), size(free), size(need-free))
	}
	return nil
}

// whileRoom calls do with a context that ends when the data volume is nearly full. If it does, that is the error.
func (b *run) whileRoom(ctx context.Context, do func(ctx context.Context) error) error {
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-watched.Done():
				return
			case <-tick.C:
				if _, free, err := b.Space(b.Dir); err == nil && free < floor {
					cancel(fmt.Errorf("the data volume is nearly full: only %s are free; delete data or raise dataVolumeSize", size(free)))
				}
			}
		}
	}()
	err := do(watched)
	if cause := context.Cause(watched); err != nil && cause != nil && ctx.Err() == nil {
		return cause
	}
	return err
}

// size formats a number of bytes.
func size(bytes int64) string {
	const kibi = 1 << 10
	value, unit := float64(bytes), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < kibi {
			break
		}
		value, unit = value/kibi, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
