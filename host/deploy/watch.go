package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxWatch limits what Watch prints, in bytes: Run Command keeps 24,000 characters.
const maxWatch = 20000

// Watch prints what a deploy of an app has printed so far, from a byte on; nothing if it has not begun. id is the ID of
// its command.
func Watch(stackDir, app, id string, from int64, out io.Writer) error {
	root, err := os.OpenRoot(stackDir)
	if err != nil {
		return fmt.Errorf("open stack directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	log, err := root.Open(dir(app) + "/" + id + logSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the output of the deploy: %w", err)
	}
	defer func() { _ = log.Close() }()
	text, err := io.ReadAll(io.NewSectionReader(log, from, maxWatch))
	if err != nil {
		return fmt.Errorf("read the output of the deploy: %w", err)
	}
	// Whole lines, because a character that is cut in two would not arrive. Lines are shorter than maxWatch.
	_, err = out.Write(text[:bytes.LastIndexByte(text, '\n')+1])
	return err
}
