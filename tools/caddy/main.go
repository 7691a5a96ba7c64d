// Command caddy is Caddy with its standard modules. It is a program of its own, as Caddy tells its version only to one
// that depends on it.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() { caddycmd.Main() }
