package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// socketDir is where Postgres puts its socket.
const socketDir = "/var/run/postgresql"

// ownDirectories creates the directories that Postgres writes to. As root it gives them to the user postgres and
// becomes that user.
func ownDirectories(data string) error {
	for dir, mode := range map[string]uint32{data: 0o700, socketDir: 0o3775} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
		_ = syscall.Chmod(dir, mode) // another user's directory with enough rights will do
	}
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return fmt.Errorf("read the id of user postgres: %w", err)
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return fmt.Errorf("read the group of user postgres: %w", err)
	}
	for _, dir := range []string{data, socketDir} {
		if err := own(dir, uid, gid); err != nil {
			return err
		}
	}
	return become(uid, gid, account.HomeDir)
}

// own gives dir, and everything in it that belongs to others, to a user.
func own(dir string, uid, gid int) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == uid {
			return nil
		}
		return os.Lchown(path, uid, gid)
	})
}

func become(uid, gid int, home string) error {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return fmt.Errorf("drop root's groups: %w", err)
	}
	if err := syscall.Setgid(gid); err != nil {
		return fmt.Errorf("become group postgres: %w", err)
	}
	if err := syscall.Setuid(uid); err != nil {
		return fmt.Errorf("become user postgres: %w", err)
	}
	return os.Setenv("HOME", home)
}
