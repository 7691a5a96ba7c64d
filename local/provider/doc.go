// Package provider serves Pulumi resource providers from descriptions: a table of properties and four calls (create,
// read, update, delete) per resource type. What all types share is here once: checking of inputs, defaults and
// generated names, tags, diffs and replacement, previews, refresh and import, secrets, partial failures, and a journal
// of what was created, so that an interrupted run can be picked up again.
//
// The behavior matches that of the bridged providers of the AWS and Cloudflare packages as far as a program can see. A
// type, a property or a function that is not described is an error, never silently accepted.
package provider
