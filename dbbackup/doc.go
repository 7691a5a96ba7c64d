// Package dbbackup builds what backups of the shared Postgres need outside the host: a bucket that the host can add to
// but not delete from, documents to back up and restore, and the schedule.
package dbbackup
