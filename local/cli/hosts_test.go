package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/local/machine"
	"webstack/local/workdir"
)

func TestSiteOf(t *testing.T) {
	t.Parallel()
	both := machine.Addresses{
		Public: machine.Endpoint{HTTPS: "127.77.0.5:443"}, Local: machine.Endpoint{HTTPS: "127.0.0.1:8443"},
	}
	real := both
	real.Local.HTTPS = "127.0.0.1:443"
	high := both
	high.Public.HTTPS = "127.0.0.1:8443"
	for name, test := range map[string]struct {
		public    string
		addresses machine.Addresses
		want      site
	}{
		"no hosts": {"https://shop.localhost", machine.Addresses{}, site{}},
		"a port of its own": {"https://shop.localhost", both,
			site{"https://shop.localhost:8443", "shop.localhost:443:127.77.0.5"}},
		"the real port":  {"https://shop.localhost", real, site{"https://shop.localhost", "shop.localhost:443:127.77.0.5"}},
		"another domain": {"https://shop.example.com", both, site{"", "shop.example.com:443:127.77.0.5"}},
		"looks like it":  {"https://shoplocalhost", both, site{"", "shoplocalhost:443:127.77.0.5"}},
		"public on a high port": {"https://shop.localhost", high,
			site{"https://shop.localhost:8443", "shop.localhost:8443:127.0.0.1"}},
	} {
		if got := siteOf(test.public, test.addresses); got != test.want {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}

func TestNextStepsSayHowToVisit(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	addresses := machine.Addresses{
		Public: machine.Endpoint{HTTPS: "127.77.0.5:443"}, Local: machine.Endpoint{HTTPS: "127.0.0.1:8443"},
	}
	visit := func() string {
		var out bytes.Buffer
		writeVisit(&out, dir, "https://shop.localhost", addresses)
		return out.String()
	}
	if got := visit(); strings.Contains(got, "cacert") || !strings.Contains(got, "curl https://shop.localhost:8443\n") {
		t.Errorf("with certificates that everybody trusts:\n%s", got)
	}
	if err := os.MkdirAll(filepath.Dir(dir.Authority()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.Authority(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  open https://shop.localhost:8443\n", "  curl --cacert .webstack/run/ca.crt https://shop.localhost:8443\n",
		"  curl --cacert .webstack/run/ca.crt --resolve shop.localhost:443:127.77.0.5 https://shop.localhost\n",
	} {
		if got := visit(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	addresses = machine.Addresses{}
	if got := visit(); got != "" {
		t.Errorf("without hosts:\n%s", got)
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	got := []string{listed([]string{"a"}), listed([]string{"a", "b", "c", "d"}), listed([]string{"a", "b", "c", "d", "e"})}
	if diff := cmp.Diff([]string{"a", "a, b, c, d", "a, b, c and 2 more"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnyChange(t *testing.T) {
	t.Parallel()
	if anyChange(map[apitype.OpType]int{apitype.OpSame: 90, apitype.OpRead: 1, apitype.OpUpdate: 0}) {
		t.Error("nothing has changed")
	}
	if !anyChange(map[apitype.OpType]int{apitype.OpSame: 90, apitype.OpUpdate: 1}) {
		t.Error("something has changed")
	}
}
