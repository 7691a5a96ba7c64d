package machine

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"webstack/local/machine"
)

func TestLife(t *testing.T) {
	l := open(t)
	ctx := t.Context()
	id := l.boot(l.spec())
	boot := func() string { return l.sh(id, "cat /proc/sys/kernel/random/uuid; stat -c %Y /proc/1") }
	l.sh(id, "echo kept > /root/file; systemctl is-system-running --wait")
	first := boot()

	if err := l.Stop(ctx, id); err != nil {
		t.Fatal(err)
	}
	if l.Running(ctx, id) {
		t.Error("it runs although it is stopped")
	}
	if _, err := l.Run(ctx, id, machine.Command{Args: []string{"true"}}); !errors.Is(err, machine.ErrNotRunning) {
		t.Errorf("run a command on a stopped machine: %v", err)
	}
	if err := l.Stop(ctx, id); err != nil {
		t.Errorf("stop it again: %v", err)
	}
	if err := l.Start(ctx, id); err != nil {
		t.Fatal(err)
	}
	l.await(id)
	if err := l.Reboot(ctx, id); err != nil {
		t.Fatal(err)
	}
	l.await(id)
	if got := l.sh(id, "cat /root/file"); got != "kept" {
		t.Errorf("the file has %q", got)
	}
	if boot() == first {
		t.Error("its first process is still the same")
	}
	l.sh(id, "systemctl is-system-running --wait; curl -sf http://169.254.170.1/")

	// It may do so itself.
	if _, err := l.Run(ctx, id, machine.Command{Args: []string{"sh", "-c", "touch /run/old; reboot; sleep 1000"}}); err == nil {
		t.Error("a command outlived the machine's end")
	}
	l.eventually("it is back", func() bool {
		exit, err := l.Run(ctx, id, machine.Command{Args: []string{"test", "!", "-e", "/run/old"}})
		return err == nil && exit.Code == 0
	})
	if _, err := l.Run(ctx, id, machine.Command{Args: []string{"sh", "-c", "poweroff; sleep 1000"}}); err == nil {
		t.Error("a command outlived the machine's end")
	}
	l.eventually("it is off", func() bool { return !l.Running(ctx, id) && !running(t, l.id, id) })
	if err := l.Start(ctx, id); err != nil {
		t.Fatal(err)
	}
	l.await(id)
	if err := l.Terminate(ctx, id); err != nil {
		t.Fatal(err)
	}
	if err := l.Terminate(ctx, id); err != nil {
		t.Errorf("terminate an unknown machine: %v", err)
	}
	if err := l.Start(ctx, id); !errors.Is(err, machine.ErrUnknown) {
		t.Errorf("start a terminated machine: %v", err)
	}
}

// running reports whether the container of a machine runs.
func running(t *testing.T, cloud, id string) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "inspect", "--format", "{{.State.Running}}",
		"webstack-"+cloud+"-"+id).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)) == "true"
}

// A killed laptop cloud leaves its machines behind; the next one removes them.
func TestLeftovers(t *testing.T) {
	l := open(t)
	l.boot(l.spec())
	again, err := machine.Open(t.Context(), machine.Options{
		Root: projectRoot(t), ID: l.id, Gateway: func() string { return "" }, Registry: func() string { return "" },
		Credentials: func(context.Context, string) (machine.Credentials, error) { return machine.Credentials{}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	l.nothingLeft()
	if err := again.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestVolume(t *testing.T) {
	const (
		volume = "vol-0123456789abcdef0"
		device = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"
	)
	l := open(t)
	ctx := t.Context()
	first := l.boot(l.spec())
	if err := l.Attach(ctx, first, volume, 1); err != nil {
		t.Fatal(err)
	}
	l.sh(first, "mkfs.ext4 -q "+device+" && mount "+device+" /mnt && echo content > /mnt/file && lsblk -no SIZE "+device)
	if err := l.Detach(ctx, first, volume); err == nil {
		t.Error("a mounted volume was detached")
	}
	second := l.spec()
	l.boot(second)
	if err := l.Attach(ctx, second.InstanceID, volume, 1); err == nil {
		t.Error("a volume was attached to two machines")
	}
	if err := l.DeleteVolume(ctx, volume); err == nil {
		t.Error("an attached volume was deleted")
	}
	if err := l.Attach(ctx, first, volume, 2); err != nil {
		t.Fatal("grow: ", err)
	}
	// Not while it is mounted: the system allows that only to privileged machines.
	l.sh(first, "umount /mnt; e2fsck -fp "+device+" && resize2fs "+device+" && mount "+device+" /mnt")
	if got := l.sh(first, "echo $(blockdev --getsize64 "+device+") $(findmnt --noheadings --output SIZE /mnt)"); got != "2147483648 1.9G" {
		t.Errorf("after growing: %s", got)
	}
	if err := l.Reboot(ctx, first); err != nil {
		t.Fatal(err)
	}
	l.await(first)
	if got := l.sh(first, "mount "+device+" /mnt && cat /mnt/file"); got != "content" {
		t.Errorf("after a reboot: %q", got)
	}
	if _, err := l.Run(ctx, first, machine.Command{
		Args: []string{"systemctl", "kill", "--signal=KILL", "--kill-whom=main", "machine-agent.service"}}); err == nil {
		t.Error("a command outlived the agent")
	}
	l.eventually("its agent is back with the mounted volume", func() bool {
		exit, err := l.Run(ctx, first, machine.Command{Args: []string{"sh", "-c", "test -b " + device + " && test -e /mnt/file"}})
		return err == nil && exit.Code == 0
	})
	// Terminating it detaches its volumes.
	if err := l.Terminate(ctx, first); err != nil {
		t.Fatal(err)
	}
	if err := l.Attach(ctx, second.InstanceID, volume, 2); err != nil {
		t.Fatal(err)
	}
	if got := l.sh(second.InstanceID, "mount "+device+" /mnt && cat /mnt/file && umount /mnt"); got != "content" {
		t.Errorf("on another machine: %q", got)
	}
	if err := l.Detach(ctx, second.InstanceID, volume); err != nil {
		t.Fatal(err)
	}
	if exit, _ := l.try(second.InstanceID, "test -e "+device); exit.Code == 0 {
		t.Error("the device is still there")
	}
	if err := l.DeleteVolume(ctx, volume); err != nil {
		t.Fatal(err)
	}
	if err := l.Attach(ctx, second.InstanceID, volume, 1); err != nil {
		t.Fatal(err)
	}
	if exit, out := l.try(second.InstanceID, "blkid "+device); exit.Code != 2 {
		t.Errorf("a deleted volume has content: %s", out)
	}
}
