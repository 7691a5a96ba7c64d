package volume

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Mount is what is mounted at a directory.
type Mount struct {
	// Device is "major:minor" of the device, Source what the system calls it.
	Device, Source string
	whole          bool // the whole file system, not a directory of it
}

// MountAt returns what is mounted at dir, nil if nothing is, from a list such as /proc/self/mountinfo.
func MountAt(list, dir string) (*Mount, error) {
	text, err := os.ReadFile(list)
	if err != nil {
		return nil, fmt.Errorf("read the mounts: %w", err)
	}
	var found *Mount
	for line := range strings.Lines(string(text)) {
		// 36 35 98:0 /root /mountpoint options [optional fields] - type source options
		fields := strings.Fields(line)
		if len(fields) < 5 || unescape(fields[4]) != dir {
			continue
		}
		// The last mount hides earlier ones.
		found = &Mount{Device: fields[2], whole: fields[3] == "/"}
		if _, behind, ok := strings.Cut(line, " - "); ok && len(strings.Fields(behind)) > 1 {
			found.Source = unescape(strings.Fields(behind)[1])
		}
	}
	return found, nil
}

// unescape decodes the kernel's escapes, such as \040 for a space.
func unescape(s string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, `\`)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		code, err := strconv.ParseUint(after[:min(3, len(after))], 8, 8)
		if err != nil {
			out.WriteString(`\` + after)
			return out.String()
		}
		out.WriteByte(byte(code))
		s = after[3:]
	}
}

// mounted reports whether the volume is mounted where it should be. Anything else there is an error.
func (v *volume) mounted() (bool, error) {
	mount, err := MountAt(v.System.Mounts, v.System.DataDir)
	if err != nil || mount == nil {
		return false, err
	}
	info, err := os.Stat(v.device)
	if err != nil {
		return false, fmt.Errorf("inspect the device: %w", err)
	}
	if deviceName(info.Sys().(*syscall.Stat_t).Rdev) != mount.Device || !mount.whole {
		return false, fmt.Errorf("%s (device %s) is mounted at %s instead; unmount it", mount.Source, mount.Device,
			v.System.DataDir)
	}
	return true, nil
}

// deviceName returns "major:minor" for a device number, whose type differs between systems.
func deviceName[N int32 | uint64](number N) string {
	return fmt.Sprintf("%d:%d", unix.Major(uint64(number)), unix.Minor(uint64(number)))
}
