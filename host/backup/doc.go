// Package backup backs up the databases of a host, and restores them. For each database a backup opens a snapshot, counts
// and hashes what is in it, dumps it with pg_dump from the same snapshot, uploads the dump, downloads it again into a
// throwaway Postgres, and compares what is there. Only then does it write the manifest, without which a backup does not
// count.
//
// A restore makes a new database beside the live one and compares it with the manifest. Only then does it stop the app and
// rename both databases in one transaction. The same renames undo it when the app is not healthy afterwards.
//
// One database that fails does not stop the others. The package can be killed at any point: what is left of a backup is
// removed by the next one, and a restore is ended or undone by the next restore or converge.
package backup
