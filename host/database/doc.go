// Package database gives each app its own role and database in the shared Postgres, in the container or elsewhere. It
// makes what lacks and changes what differs, so it can run at any time, and never removes a database or a role: what
// belongs to an app that left the stack stays until somebody drops it.
package database
