// Package appcompose defines what runs on the host: it renders the Compose file and the Caddyfile of a stack's apps and
// publishes them, with the host program and a manifest of checksums, as the bundle that the host converges to. It owns
// the artifacts bucket, and the key and the parameters of the stack's secrets, which are never in the bundle.
//
// Render is pure: the same input gives the same bytes. New publishes. Package contract describes what the host adds to
// the rendered files. Nothing here reads the environment.
package appcompose
