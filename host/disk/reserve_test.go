package disk

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestReserve(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	for _, step := range []struct {
		what   string
		free   int64
		do     func(Reserve) error
		exists bool
		says   string
	}{
		{"nothing to remove", 0, Reserve.Open, false, ""},
		{"too little room", plenty*ReserveSize - 1, Reserve.Close, false, ""},
		{"plenty", plenty * ReserveSize, Reserve.Close, true, "reserved 64 MiB"},
		{"again", plenty * ReserveSize, Reserve.Close, true, ""},
		{"not full", ReserveSize, Reserve.Open, true, ""},
		{"full", ReserveSize - 1, Reserve.Open, false, "the disk is full"},
		{"still full", ReserveSize, Reserve.Close, false, ""},
		{"a part of one that a kill has left", plenty * ReserveSize, func(r Reserve) error {
			if err := root.MkdirAll("state", 0o755); err != nil {
				return err
			}
			if err := root.WriteFile("state/reserve", []byte("x"), 0o600); err != nil {
				return err
			}
			return r.Close()
		}, true, "reserved 64 MiB"},
	} {
		var out bytes.Buffer
		err := step.do(Reserve{Root: root, Name: "state/reserve", Out: &out,
			Space: func(string) (int64, int64, error) { return 1 << 40, step.free, nil }})
		info, found := root.Lstat("state/reserve")
		if err != nil || (found == nil) != step.exists || !strings.HasPrefix(out.String(), step.says) || (step.says == "") != (out.Len() == 0) {
			t.Errorf("%s: %v; file: %v; said %q", step.what, err, found, out.String())
		}
		// The room is taken up, not only promised.
		if step.exists && info.Sys().(*syscall.Stat_t).Blocks*512 < ReserveSize {
			t.Errorf("%s: %d blocks", step.what, info.Sys().(*syscall.Stat_t).Blocks)
		}
	}
}
