package contract

// ReservedConnections is how many of Postgres' connections are reserved for the superuser: for the host program,
// backups and the operator.
const ReservedConnections = 10

// minConnections is the minimum limit of an app that does not set its own.
const minConnections = 5

// ConnectionLimits returns how many connections each app may hold. usable is how many all apps have together, wanted is
// the number that each app asks for, 0 for a share. An app that asks for a number gets it; the others share the rest
// equally, with at least 5 each, so with many apps the sum of the limits can exceed usable.
func ConnectionLimits(usable int, wanted []int) []int {
	rest, sharing := usable, 0
	for _, n := range wanted {
		rest -= n
		if n == 0 {
			sharing++
		}
	}
	limits := make([]int, len(wanted))
	for i, n := range wanted {
		if limits[i] = n; n == 0 {
			limits[i] = max(rest/sharing, minConnections)
		}
	}
	return limits
}
