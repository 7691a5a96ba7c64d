// Package volume mounts the stack's data volume, which holds what must outlive the host: the databases and the
// certificates. It formats a volume only when that is new, proves it by everything that can be asked, and keeps Docker
// from starting anything while the volume is not mounted. Killed at any point, the next call goes on.
//
// The volume is mounted by a unit of systemd's and not by /etc/fstab: an entry there waits for a device that udev
// announces, and knows neither how to format nor how to grow a file system.
package volume
