// Package nameserver answers DNS queries from the records in the laptop cloud's stand-in for Cloudflare, so
// that dig and resolvers see what a stack's records would do.
package nameserver
