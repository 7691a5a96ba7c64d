package status

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
	"webstack/host/database"
)

// socketTable is as the kernel writes it: two silent connections and one that has ended of 10.0.0.7, one of 10.0.0.8, and
// one to another port.
const socketTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 1 1 0 100 0 0 10 0
   1: 0200000A:1538 0700000A:C350 01 00000000:00000000 00:00000000 00000000   999        0 2 1 0 20 4 30 10 -1
   2: 0200000A:1538 0700000A:C351 03 00000000:00000000 00:00000000 00000000   999        0 3 1 0 20 4 30 10 -1
   3: 0200000A:1538 0700000A:C352 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
   4: 0200000A:1538 0800000A:C353 01 00000000:00000000 00:00000000 00000000   999        0 4 1 0 20 4 30 10 -1
   5: 0200000A:0050 0800000A:C354 01 00000000:00000000 00:00000000 00000000   999        0 5 1 0 20 4 30 10 -1
`

func TestDatabasesOfApps(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app("blog", "blog.example.org", http.StatusOK)
	b.app("new", "new.example.org", http.StatusOK)
	b.app("shop", "shop.example.org", http.StatusOK)
	for i, service := range []string{"postgres", "shop", "blog"} {
		b.container(service, 1, "image", "running")
		c := b.containers[i]
		c["State"] = map[string]any{"Status": "running", "Pid": 100 + i}
		c["NetworkSettings"] = map[string]any{"Networks": map[string]any{
			contract.ComposeProject + "_" + contract.DatabaseNetwork: map[string]string{
				"IPAddress": map[string]string{"postgres": "10.0.0.2", "shop": "10.0.0.7", "blog": "10.0.0.8"}[service],
			},
		}}
	}
	b.write(filepath.Join(b.Root, "/proc/100/net/tcp"), socketTable)
	for _, app := range []string{"blog", "shop"} {
		text, err := contract.AppEnv(map[string]string{"DATABASE_URL": "url of " + app, "OTHER": "DATABASE_URL=\"no"})
		if err != nil {
			t.Fatal(err)
		}
		b.write(contract.Paths{StackDir: b.StackDir}.AppEnv(app), string(text))
	}
	b.Postgres = func(context.Context, contract.Manifest) (database.Usage, error) {
		return database.Usage{Usable: 90, Roles: map[string]database.RoleUsage{
			"postgres": {Connections: 3, Limit: -1},
			"blog":     {Connections: 1, Limit: 45, Size: 2000},
			"shop":     {Connections: 0, Limit: 45, Size: 1000},
		}}, nil
	}
	b.Connect = func(_ context.Context, url, address string) error {
		if url == "url of shop" {
			return errors.New("refused")
		}
		if url != "url of blog" || address != "10.0.0.2" {
			return fmt.Errorf("asked for %q at %q", url, address)
		}
		return nil
	}
	s := Read(t.Context(), b.Options)
	if want := (contract.ConnectionStatus{Used: 1, Limit: 90, Guarded: true}); s.Connections == nil || *s.Connections != want {
		t.Errorf("connections: %+v", s.Connections)
	}
	want := []*contract.DatabaseStatus{
		{Used: 1, Limit: 45, Sockets: 1, Size: 2000}, nil,
		{Error: "refused", Limit: 45, Sockets: 2, Size: 1000},
	}
	got := []*contract.DatabaseStatus{s.Apps[0].Database, s.Apps[1].Database, s.Apps[2].Database}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("databases (-want +got):\n%s", diff)
	}
	if text := got[2].Text(); text != "0 of 45 (+ 2 silent)" {
		t.Errorf("shown as %q", text)
	}
}
