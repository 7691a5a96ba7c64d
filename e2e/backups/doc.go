// Package backups tests backups on a host of the laptop cloud: that a backup that counts can be restored, and that one that
// cannot does not count.
package backups
