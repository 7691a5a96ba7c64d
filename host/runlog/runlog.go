// Package runlog keeps what long commands print in files, so that others can follow them: Run Command shows the output of
// a command only when it has ended, and only its beginning.
package runlog

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"webstack/host/files"
)

const (
	suffix = ".log"
	// kept is how many outputs of a directory stay for Watch.
	kept = 5
	// maxLog limits the file of an output, in bytes.
	maxLog = 16 << 20
	// maxWatch limits what Watch prints, in bytes: Run Command keeps 24,000 characters.
	maxWatch = 20000
)

// ID returns the ID of a command, or makes one up for a command that has none.
func ID(command string) string {
	return cmp.Or(command, "local-"+strings.ToLower(rand.Text()[:12]))
}

// Open begins the file with the output of a command in dir below root, and removes the oldest ones. id is the ID of the
// command. What is written to the returned writer goes to the file only. It never fails, because a full disk must not
// keep the output from its reader; it drops what there is no room for. The caller closes the file.
func Open(root *os.Root, dir, id string) (io.Writer, io.Closer, error) {
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("create %s: %w", dir, err)
	}
	if err := removeOld(root, dir); err != nil {
		return nil, nil, err
	}
	log, err := root.OpenFile(dir+"/"+id+suffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("write the output of the command: %w", err)
	}
	return &lenient{w: log, room: maxLog}, log, nil
}

// lenient is a writer whose errors do not matter. It drops what there is no room for.
type lenient struct {
	w    io.Writer
	room int
}

func (l *lenient) Write(p []byte) (int, error) {
	if len(p) <= l.room {
		l.room -= len(p)
		_, _ = l.w.Write(p)
	}
	return len(p), nil
}

// removeOld leaves room for one more output.
func removeOld(root *os.Root, dir string) error {
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return fmt.Errorf("list the outputs of commands: %w", err)
	}
	logs := slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return path.Ext(e.Name()) != suffix })
	slices.SortFunc(logs, func(a, b fs.DirEntry) int {
		infoA, errA := a.Info()
		infoB, errB := b.Info()
		if errA != nil || errB != nil {
			return 0
		}
		return infoB.ModTime().Compare(infoA.ModTime())
	})
	for _, old := range logs[min(len(logs), kept-1):] {
		if _, err := files.Remove(root, dir+"/"+old.Name()); err != nil {
			return err
		}
	}
	return nil
}

// Watch prints what a command has printed so far, from a byte on; nothing if it has not begun. It prints whole lines
// only, and no more than Run Command keeps.
func Watch(stackDir, dir, id string, from int64, out io.Writer) error {
	root, err := os.OpenRoot(stackDir)
	if err != nil {
		return fmt.Errorf("open stack directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	log, err := root.Open(dir + "/" + id + suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the output of the command: %w", err)
	}
	defer func() { _ = log.Close() }()
	text, err := io.ReadAll(io.NewSectionReader(log, from, maxWatch))
	if err != nil {
		return fmt.Errorf("read the output of the command: %w", err)
	}
	// A character that is cut in two would not arrive. Lines are shorter than maxWatch.
	_, err = out.Write(text[:bytes.LastIndexByte(text, '\n')+1])
	return err
}
