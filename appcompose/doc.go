// Package appcompose owns what runs on the host: it renders the Compose file and the Caddyfile of a stack's apps and
// publishes them, with the host program and a manifest of sums, as the bundle that the host converges to. It owns
// the artifacts bucket, the key and the parameters of the stack's secrets, which the bundle never holds.
//
// Render is pure: the same input gives the same bytes. New publishes. What the host adds to the rendered files is in
// package contract. Nothing here reads the environment.
package appcompose
