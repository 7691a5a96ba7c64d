package contract

import (
	"strings"
	"testing"
)

func TestContents(t *testing.T) {
	t.Parallel()
	env := func(b []byte, err error) []byte {
		if err != nil {
			t.Error(err)
		}
		return b
	}
	for _, test := range []struct {
		name string
		got  []byte
		want string
	}{
		{"released", ReleasedSite(), "import {args[0]} {args[1]} {args[2]}\n"},
		{"maintenance", MaintenanceSite("shop"), "import maintenance shop\n"},
		{"automatic", AutomaticCertificate(), "import {args[0]}\n"},
		{"own certificate", OwnCertificate("shop"), "import own-certificate shop\n"},
		{"no app has a release", env(ComposeEnv(nil, nil, nil)), "COMPOSE_PROFILES=\"\"\n"},
		{"releases", env(ComposeEnv(map[string]string{"shop": "r/shop:v2", "a-b": "r/a:v1"}, map[string]string{"caddy": "00", "a-b": "01"},
			map[string]string{"a-b": "192.168.224.22", "gone": "x"})),
			"COMPOSE_PROFILES=\"a-b,shop\"\nWEBSTACK_IMAGE_A_B=\"r/a:v1\"\nWEBSTACK_ADDRESS_A_B=\"192.168.224.22\"\nWEBSTACK_IMAGE_SHOP=\"r/shop:v2\"\n" +
				"WEBSTACK_SUM_A_B=\"01\"\nWEBSTACK_SUM_CADDY=\"00\"\n"},
		{"env", env(AppEnv(map[string]string{"B": "x\ny", "A": `$"\`})), "A=\"\\$\\\"\\\\\"\nB=\"x\\ny\"\n"},
		{"database", []byte(DatabaseURL("", "shop", "pw")), "postgres://shop:pw@postgres:5432/shop?sslmode=disable"},
		{"external database", []byte(DatabaseURL("db.example.com:5433", "a-b", "p/w")),
			"postgres://a-b:p%2Fw@db.example.com:5433/a-b?sslmode=require"},
	} {
		if string(test.got) != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestAppEnvRefuses(t *testing.T) {
	t.Parallel()
	_, err := AppEnv(map[string]string{"A-B": "", "": "", "NUL": "hush\x00", "BYTES": "hush\xff"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{`"A-B"`, `""`, "value of NUL", "value of BYTES"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("the error shows a value: %v", err)
	}
}

func TestVariable(t *testing.T) {
	t.Parallel()
	values := map[string]string{"A": "$\"\\\\n\r\nB=\"no\"", "B": "", "C": "DATABASE_URL=\"x"}
	text, err := AppEnv(values)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range values {
		if got := Variable(text, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := Variable(text, "DATABASE_URL"); got != "" {
		t.Errorf("a variable that is not there is %q", got)
	}
}
