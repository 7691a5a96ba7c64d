package disk

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// df counts in the same way. What others write meanwhile is far less than a percent of the disk.
func TestSpaceIsThatOfDF(t *testing.T) {
	t.Parallel()
	total, _, err := Space(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "df", "--output=used,avail", "--block-size=1", os.TempDir()).Output()
	var used, available int64
	if _, scanErr := fmt.Sscan(strings.SplitAfterN(string(out), "\n", 2)[1], &used, &available); err != nil || scanErr != nil {
		t.Fatalf("df: %v, %v: %s", err, scanErr, out)
	}
	if have := used + available; total < have-have/100 || total > have+have/100 {
		t.Errorf("%d bytes in all, df has %d", total, have)
	}
}
