// Package config defines the stack config: which keys a Pulumi.<stack>.yaml may have, what they mean, their
// defaults and which values are allowed.
//
// Keys are described only in the two tables in keys.go and appfields.go. Load uses them to read a stack's values, and
// the config block of Pulumi.yaml, schema/stack.schema.json and docs/configuration.md are generated from them
// (go generate ./config); a test fails if one of those is stale.
//
// Load is strict: unknown keys, wrong types, duplicate keys and impossible values are errors. It reports all of them at
// once, each with its path. Values that are used in YAML, a Caddyfile, shell, SQL or IAM are limited to what is safe
// there; they are quoted there anyway. The package does no I/O and does not read the environment.
package config

//go:generate go run ./internal/gen
