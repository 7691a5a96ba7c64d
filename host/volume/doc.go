// Package volume mounts the stack's data volume, which has what must outlive the host: the databases and the
// certificates. It formats a volume only if every possible check shows that it is new, and keeps Docker from starting
// while the volume is not mounted. If it is killed at any point, the next call continues.
//
// The volume is mounted by a systemd unit and not by /etc/fstab: an entry there waits for a device that udev announces,
// and can neither format nor grow a file system.
package volume
