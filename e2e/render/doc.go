// Package render tests what package appcompose renders with the programs that read it on the host: Compose's own loader
// and Caddy's own adapter, in the versions that run there. The files that the host adds are written as package contract
// says.
package render
