package certificates

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
)

var now = time.Date(2026, 1, 31, 3, 15, 0, 0, time.UTC)

// issue makes a certificate with its key, PEM.
func issue(t *testing.T, until time.Time, names ...string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
}

type bench struct {
	Options
	t   *testing.T
	dir string
	out *bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), out: &bytes.Buffer{}}
	root, err := os.OpenRoot(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	b.Options = Options{
		Root: root, Found: map[string]string{}, Failed: map[string]error{}, Now: now, Out: b.out,
		Apps: []contract.ManifestApp{{Name: "blog", Domain: "blog.example.com"}, {Name: "shop", Domain: "shop.example.com"}},
	}
	return b
}

func (b *bench) put(cert, key string) {
	b.Found["/shop/ssl/cert"], b.Found["/shop/ssl/key"] = cert, key
}

func (b *bench) write() (map[string]error, string) {
	b.t.Helper()
	b.out.Reset()
	problems, err := Write(b.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	return problems, b.out.String()
}

// files are those of an app with their modes and contents.
func (b *bench) files(app string) map[string]string {
	b.t.Helper()
	got := map[string]string{}
	dir := filepath.Join(b.dir, "caddy", "tls", app)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		got[d.Name()] = info.Mode().String() + " " + string(text)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	return got
}

func (b *bench) check(app string, want map[string]string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.files(app)); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", app, diff)
	}
}

var automatic = map[string]string{"Caddyfile": "-rw-r--r-- import {args[0]}\n"}

func own(cert, key string) map[string]string {
	return map[string]string{
		"Caddyfile": "-rw-r--r-- import own-certificate shop\n",
		"tls.crt":   "-rw-r--r-- " + cert, "tls.key": "-rw------- " + key,
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	quiet := func() {
		t.Helper()
		if problems, out := b.write(); len(problems) > 0 || out != "" {
			t.Errorf("again: %v, printed %q", problems, out)
		}
	}
	if problems, out := b.write(); len(problems) > 0 || strings.Count(out, "to Caddy") != 2 {
		t.Errorf("%v, printed %q", problems, out)
	}
	b.check("shop", automatic)
	b.check("blog", automatic)
	quiet()

	cert, key := issue(t, now.Add(time.Hour), "*.example.com")
	b.put(cert, key)
	if problems, out := b.write(); len(problems) > 0 || out != "wrote the own certificate of shop\n" {
		t.Errorf("%v, printed %q", problems, out)
	}
	b.check("shop", own(cert, key))
	quiet()

	next, nextKey := issue(t, now.Add(2*time.Hour), "shop.example.com")
	b.put(next, nextKey)
	if problems, out := b.write(); len(problems) > 0 || out != "wrote the own certificate of shop\n" {
		t.Errorf("%v, printed %q", problems, out)
	}
	b.check("shop", own(next, nextKey))
	quiet()

	clear(b.Found)
	if problems, out := b.write(); len(problems) > 0 || out != "left the certificate of shop to Caddy\n" {
		t.Errorf("%v, printed %q", problems, out)
	}
	b.check("shop", automatic)
	quiet()
	if got, want := strings.Join(Names(b.Apps), " "), "/blog/ssl/cert /blog/ssl/key /shop/ssl/cert /shop/ssl/key"; got != want {
		t.Errorf("names: %s", got)
	}
}

// A certificate that cannot be used leaves the one that is in use, and an app without any to Caddy.
func TestFaults(t *testing.T) {
	t.Parallel()
	good, goodKey := issue(t, now.Add(time.Hour), "shop.example.com")
	other, otherKey := issue(t, now.Add(time.Hour), "shop.example.com")
	old, oldKey := issue(t, now, "shop.example.com")
	for name, test := range map[string]struct {
		put  func(b *bench)
		want string
	}{
		"no key":        {func(b *bench) { b.Found["/shop/ssl/cert"] = other }, "but no /shop/ssl/key"},
		"no cert":       {func(b *bench) { b.Found["/shop/ssl/key"] = otherKey }, "but no /shop/ssl/cert"},
		"other key":     {func(b *bench) { b.put(other, goodKey) }, "private key does not match"},
		"no PEM":        {func(b *bench) { b.put("text", otherKey) }, "failed to find any PEM data"},
		"exchanged":     {func(b *bench) { b.put(otherKey, other) }, "use own certificate"},
		"expired":       {func(b *bench) { b.put(old, oldKey) }, "has expired on 2026-01-31"},
		"not decrypted": {func(b *bench) { b.Failed["/shop/ssl/key"] = errors.New("AccessDenied") }, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, before := range []map[string]string{automatic, own(good, goodKey)} {
				b := newBench(t)
				if len(before) > 1 {
					b.put(good, goodKey)
					b.write()
					clear(b.Found)
				}
				test.put(b)
				problems, out := b.write()
				err := problems["shop"]
				if len(problems) != 1 || err == nil || !strings.Contains(err.Error(), test.want) ||
					!strings.Contains(err.Error(), "is kept") {
					t.Errorf("problems %v, want %q", problems, test.want)
				}
				if err != nil && strings.Contains(err.Error()+out, "PRIVATE") {
					t.Error("the key is shown")
				}
				b.check("shop", before)
				b.check("blog", automatic)
			}
		})
	}
}

func TestCertificateOfAnotherName(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(issue(t, now.Add(time.Hour), "example.org"))
	problems, out := b.write()
	if len(problems) > 0 || !strings.Contains(out, "warning: the own certificate of shop is not for its domain") {
		t.Errorf("%v, printed %q", problems, out)
	}
	if len(b.files("shop")) != 3 {
		t.Errorf("files: %v", b.files("shop"))
	}
}

func TestPlaceThatIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := os.WriteFile(filepath.Join(b.dir, "caddy"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(b.Options); err == nil {
		t.Error("no error")
	}
}
