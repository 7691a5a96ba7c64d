// Package dns manages the address records of the apps' domains in Cloudflare.
package dns
