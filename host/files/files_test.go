package files

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func open(t *testing.T) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root, dir
}

// put writes and says whether it changed something.
func put(t *testing.T, root *os.Root, name, content string, mode os.FileMode) bool {
	t.Helper()
	changed, err := Write(root, name, []byte(content), mode)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestWrite(t *testing.T) {
	t.Parallel()
	root, dir := open(t)
	file := filepath.Join(dir, "env", "shop.env")
	inode := func() uint64 {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Ino
	}
	if !put(t, root, "env/shop.env", "A", 0o600) {
		t.Error("a new file is no change")
	}
	first := inode()
	if put(t, root, "env/shop.env", "A", 0o600) || inode() != first {
		t.Error("the same file is written again")
	}
	// A leftover that everybody may read, as a killed run would not leave it, but a person might.
	if err := os.WriteFile(file+suffix, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, next := range []struct {
		content string
		mode    os.FileMode
	}{{"B", 0o600}, {"B", 0o644}} {
		before := inode()
		if !put(t, root, "env/shop.env", next.content, next.mode) || inode() == before {
			t.Error("a change does not replace the file")
		}
		text, _ := os.ReadFile(file)
		info, _ := os.Stat(file)
		if string(text) != next.content || info.Mode() != next.mode {
			t.Errorf("got %q with mode %v", text, info.Mode())
		}
	}
	if names, err := Names(root, "env"); err != nil || !slices.Equal(names, []string{"shop.env"}) {
		t.Errorf("the directory holds %v, %v", names, err)
	}
}

func TestWriteReplacesALink(t *testing.T) {
	t.Parallel()
	root, dir := open(t)
	outside := filepath.Join(t.TempDir(), "outside")
	for _, link := range []string{outside, "inside"} {
		if err := os.WriteFile(filepath.Join(dir, "inside"), []byte("A"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(link, filepath.Join(dir, "file")); err != nil {
			t.Fatal(err)
		}
		if !put(t, root, "file", "A", 0o600) {
			t.Error("a link is taken for the file")
		}
		if _, err := Remove(root, "file"); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("a link was followed")
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	root, dir := open(t)
	if err := os.MkdirAll(filepath.Join(dir, "taken", "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, root, "file", "A", 0o600)
	for name, want := range map[string]string{
		"taken": "it is a directory", "file/below": "move away what is in its place", "../out": "escapes",
	} {
		if _, err := Write(root, name, nil, 0o600); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	root, _ := open(t)
	put(t, root, "tls/shop/tls.key", "A", 0o600)
	for _, want := range []bool{true, false} {
		if got, err := Remove(root, "tls/shop"); err != nil || got != want {
			t.Errorf("changed %v, %v", got, err)
		}
	}
	if names, err := Names(root, "tls"); err != nil || len(names) != 0 {
		t.Errorf("left: %v, %v", names, err)
	}
	if names, err := Names(root, "none"); err != nil || len(names) != 0 {
		t.Errorf("found: %v, %v", names, err)
	}
}
