// Package cloudflare stands in for Cloudflare in the laptop cloud: a store of zones and DNS records, and the calls of
// the v4 API that a DNS provider uses, with Cloudflare's envelope, validation and error codes.
//
// What a record means to a resolver is the business of package nameserver, which reads the same store.
package cloudflare
