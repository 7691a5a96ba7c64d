// Package backup backs up the databases of a host. For each database it opens a snapshot, counts and hashes what is in
// it, dumps it with pg_dump from the same snapshot, uploads the dump, downloads it again into a throwaway Postgres, and
// compares what is there. Only then does it write the manifest, without which a backup does not count.
//
// One database that fails does not stop the others. The package can be killed at any point: what is left of a run is
// removed by the next one.
package backup
