package contract

// ReservedConnections is how many of Postgres' connections no app gets: they are the superuser's, for the host program,
// backups and the operator.
const ReservedConnections = 10

// minConnections is the least limit of an app that does not set its own.
const minConnections = 5

// ConnectionLimits says how many connections each app may hold. usable is how many there are for all of them, wanted
// what each app asks for, 0 for a share. An app that asks gets it; the others share the rest equally, with at least 5
// each, so with many apps the limits together can be more than there are.
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
