package deploy

import (
	"io"

	"webstack/host/runlog"
)

// Watch prints what a deploy of an app has printed so far, from a byte on; nothing if it has not begun. id is the ID of
// its command.
func Watch(stackDir, app, id string, from int64, out io.Writer) error {
	return runlog.Watch(stackDir, dir(app), id, from, out)
}
