// Package database gives each app its own role and database in the shared Postgres, in the container or elsewhere. It
// creates what is missing and changes what differs, so it can run at any time. It never removes a database or a role:
// those of an app that was removed stay until somebody drops them.
package database
