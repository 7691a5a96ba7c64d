// Package appcompose defines what runs on the host: it publishes the Compose file and the Caddyfile of a stack's apps,
// with the host program and a manifest of checksums, as the bundle that the host converges to. It owns the artifacts
// bucket, and the key and the parameters of the stack's secrets, which are never in the bundle.
//
// Package render, below it, makes the files. Nothing here reads the environment.
package appcompose
