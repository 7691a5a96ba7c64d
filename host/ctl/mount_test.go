package ctl

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// Stopping the host before may take ten minutes, and only then is its volume free.
func TestMountWaitsForTheHostBefore(t *testing.T) {
	t.Parallel()
	system, run := machine(t)
	link := filepath.Join(system.Links, "nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0")
	away := link + ".away"
	if err := os.Rename(link, away); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.AfterFunc(15*time.Minute, func() {
			if err := os.Rename(away, link); err != nil {
				t.Error(err)
			}
		})
		var errs bytes.Buffer
		command := Command{Stdout: &bytes.Buffer{}, Stderr: &errs, Run: run, System: system}
		if code := command.Main([]string{"mount", "--volume", volumeID, "--stack-dir", dir}); code != 0 {
			t.Errorf("exit code %d: %s", code, errs.String())
		}
	})
}
