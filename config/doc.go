// Package config owns the stack config: which keys a Pulumi.<stack>.yaml may hold, what they mean, what they
// default to and which values are allowed.
//
// The two tables in keys.go and appfields.go are the only place where a key is described. Load reads a stack's
// values by them, and the config block of Pulumi.yaml, schema/stack.schema.json and docs/configuration.md are
// generated from them (go generate ./config); a test fails when one of those is stale.
//
// Load is strict: unknown keys, wrong types, keys given twice and impossible values are errors, all of them at
// once and each with its path. Values that end up in YAML, a Caddyfile, shell, SQL or IAM are limited here to
// what is safe there; they are quoted there all the same. The package does no I/O and reads no environment.
package config

//go:generate go run ./internal/gen
