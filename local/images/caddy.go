package images

import (
	"context"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"webstack/internal/gobuild"
	"webstack/local/workdir"
)

// caddyRecipe is part of the cache's key: it changes with what makeCaddy does.
const caddyRecipe = "1"

// caddy returns the image of Caddy for goarch.
func caddy(ctx context.Context, dir workdir.Dir, goarch string, step Step) (v1.Image, error) {
	key, err := keyOf(dir, []string{"tools/caddy", "local/images/wget"}, caddyRecipe, goarch)
	if err != nil {
		return nil, err
	}
	return cached(ctx, dir, "caddy-"+key, func(ctx context.Context, _ string) (v1.Image, error) {
		defer step("Compiling Caddy from its Go module (once; takes a few minutes)")()
		return makeCaddy(ctx, dir, goarch)
	})
}

func makeCaddy(ctx context.Context, dir workdir.Dir, goarch string) (v1.Image, error) {
	entries := []entry{
		{path: "/etc/passwd", mode: 0o644, content: []byte("root:x:0:0:root:/root:/sbin/nologin\n")},
		{path: "/etc/group", mode: 0o644, content: []byte("root:x:0:\n")},
		{path: "/etc/caddy", mode: fs.ModeDir | 0o755},
		{path: "/root", mode: fs.ModeDir | 0o700},
		{path: "/config/caddy", mode: fs.ModeDir | 0o755},
		{path: "/data/caddy", mode: fs.ModeDir | 0o755},
		{path: "/srv", mode: fs.ModeDir | 0o755},
		{path: "/tmp", mode: fs.ModeDir | fs.ModeSticky | 0o777},
	}
	for target, source := range map[string][2]string{
		"/usr/bin/caddy": {"tools/caddy", "."},
		"/usr/bin/wget":  {"local", "./images/wget"},
	} {
		path, err := gobuild.Program(ctx, string(dir), source[0], source[1], goarch)
		if err != nil {
			return nil, err
		}
		e, err := program(target, path)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	files, err := layer(entries...)
	if err != nil {
		return nil, err
	}
	return assemble(goarch, v1.Config{
		Cmd: []string{"caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"},
		Env: []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"XDG_CONFIG_HOME=/config", "XDG_DATA_HOME=/data",
		},
		WorkingDir: "/srv",
		ExposedPorts: map[string]struct{}{
			"80/tcp": {}, "443/tcp": {}, "443/udp": {}, "2019/tcp": {},
		},
	}, files)
}
