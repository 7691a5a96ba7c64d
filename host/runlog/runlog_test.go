package runlog

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyTheLastOutputsAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	for i := range 2 * kept {
		log, file, err := Open(root, "logs/shop", fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(log, "line of %d\nincomplete", i)
		_ = file.Close()
	}
	entries, err := os.ReadDir(filepath.Join(dir, "logs", "shop"))
	if err != nil || len(entries) != kept {
		t.Errorf("%d outputs are kept, %v", len(entries), err)
	}
	var out bytes.Buffer
	if err := Watch(dir, "logs/shop", fmt.Sprint(2*kept-1), 0, &out); err != nil || out.String() != "line of 9\n" {
		t.Errorf("watched %q, %v", out.String(), err)
	}
	if err := Watch(dir, "logs/shop", "unknown", 0, io.Discard); err != nil {
		t.Errorf("before it has begun: %v", err)
	}
}

func TestWhatHasNoRoomIsDropped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := &lenient{w: &out, room: 10}
	for _, part := range []string{"123456", "too long", "7890"} {
		if n, err := log.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
	}
	if out.String() != "1234567890" {
		t.Errorf("kept %q", out.String())
	}
}
