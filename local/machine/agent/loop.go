//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	loopMajor   = 7
	loopControl = "/dev/loop-control"
	controlNode = 10<<8 | 237 // the number of loop-control
)

// loop is an open loop device.
type loop struct {
	number int
	file   *os.File
}

func (l *loop) path() string { return fmt.Sprintf("/dev/loop%d", l.number) }

// openLoop opens a loop device and creates its node if it is missing: nothing else does that on a machine.
func openLoop(number int) (*loop, error) {
	l := &loop{number: number}
	if err := node(l.path(), unix.S_IFBLK, int(unix.Mkdev(loopMajor, uint32(number)))); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(l.path(), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	l.file = file
	return l, nil
}

func node(path string, kind uint32, device int) error {
	err := unix.Mknod(path, kind|0o660, device)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return nil
}

// newLoop attaches a file to a free loop device. The system detaches it once nothing has it open.
func newLoop(file *os.File) (*loop, error) {
	if err := node(loopControl, unix.S_IFCHR, controlNode); err != nil {
		return nil, err
	}
	control, err := os.OpenFile(loopControl, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("the system's loop devices cannot be used: %w", err)
	}
	defer func() { _ = control.Close() }()
	for {
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free loop device: %w", err)
		}
		l, err := openLoop(number)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(l.file.Fd()), &unix.LoopConfig{
			Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}})
		if err == nil {
			return l, nil
		}
		if err := errors.Join(err, l.file.Close()); !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("use %s: %w", l.path(), err)
		}
		// Another machine took it first.
	}
}

// findLoop returns the loop device of a file, or nil.
func findLoop(file *os.File) (*loop, error) {
	var want unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &want); err != nil {
		return nil, err
	}
	// Only devices in use have this folder.
	used, err := filepath.Glob("/sys/block/loop*/loop")
	if err != nil {
		return nil, err
	}
	for _, path := range used {
		number, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "loop"))
		if err != nil {
			return nil, fmt.Errorf("list the loop devices: %w", err)
		}
		l, err := openLoop(number)
		if err != nil {
			return nil, err
		}
		info, err := unix.IoctlLoopGetStatus64(int(l.file.Fd()))
		if err == nil && info.Inode == want.Ino && info.Device == want.Dev {
			return l, nil
		}
		if err := l.file.Close(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// resize makes the device as large as its file.
func (l *loop) resize() error {
	if err := unix.IoctlSetInt(int(l.file.Fd()), unix.LOOP_SET_CAPACITY, 0); err != nil {
		return fmt.Errorf("resize %s: %w", l.path(), err)
	}
	return nil
}
