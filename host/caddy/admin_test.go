package caddy

import (
	"strings"
	"testing"

	"webstack/host/internal/caddytest"
)

func TestAdmin(t *testing.T) {
	t.Parallel()
	fake := caddytest.New(t)
	admin := Admin{Socket: fake.Socket}
	if err := admin.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	for _, force := range []bool{false, true} {
		if err := admin.Load(t.Context(), []byte("example.com"), force); err != nil {
			t.Error(err)
		}
		if got := fake.Loads(); len(got) != 1 || got[0] != (caddytest.Load{Caddyfile: "example.com", Force: force}) {
			t.Errorf("loaded %v", got)
		}
	}
	fake.Refuse("Caddyfile:3: unrecognized directive: tsl")
	err := admin.Load(t.Context(), nil, false)
	if err == nil || !strings.Contains(err.Error(), "Caddyfile:3: unrecognized directive: tsl") {
		t.Errorf("got error %v", err)
	}
}

func TestAdminIsDown(t *testing.T) {
	t.Parallel()
	fake := caddytest.New(t)
	fake.Down(true)
	for name, admin := range map[string]Admin{"closes": {Socket: fake.Socket}, "no socket": {Socket: "/nowhere"}} {
		if admin.Ready(t.Context()) == nil || admin.Load(t.Context(), nil, false) == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
