package certificates

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
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
	certs, keys := chain(t, until, 1, names...)
	return certs[0], keys[0]
}

// chain makes a chain of certificates with their keys, PEM: the first is for names, and each is issued by the next.
func chain(t *testing.T, until time.Time, length int, names ...string) (certs, keys []string) {
	t.Helper()
	var parent *x509.Certificate
	var signer *ecdsa.PrivateKey
	for i := length - 1; i >= 0; i-- {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), NotBefore: now.Add(-time.Hour), NotAfter: until,
			Subject: pkix.Name{CommonName: fmt.Sprint("number ", i)}, IsCA: i > 0, BasicConstraintsValid: true,
		}
		if i == 0 {
			template.DNSNames = names
		}
		if parent == nil {
			parent, signer = template, private
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		text, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		certs = slices.Insert(certs, 0, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
		keys = slices.Insert(keys, 0, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})))
		if parent, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		signer = private
	}
	return certs, keys
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
		Root: root, Found: map[string]string{}, Failed: map[string]error{}, Now: now, Out: b.out, Base: "/webstack/dev",
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
	if problems, out := b.write(); len(problems) > 0 || strings.Count(out, "Caddy obtains") != 2 {
		t.Errorf("%v, printed %q", problems, out)
	}
	b.check("shop", automatic)
	b.check("blog", automatic)
	quiet()

	cert, key := issue(t, now.Add(time.Hour), "*.example.com")
	b.put(cert, key)
	if problems, out := b.write(); len(problems) > 0 || out != "wrote the certificate of shop\n" {
		t.Errorf("%v, printed %q", problems, out)
	}
	b.check("shop", own(cert, key))
	quiet()

	next, nextKey := issue(t, now.Add(2*time.Hour), "shop.example.com")
	b.put(next, nextKey)
	if problems, out := b.write(); len(problems) > 0 || out != "wrote the certificate of shop\n" {
		t.Errorf("%v, printed %q", problems, out)
	}
	b.check("shop", own(next, nextKey))
	quiet()

	clear(b.Found)
	if problems, out := b.write(); len(problems) > 0 || out != "Caddy obtains the certificate of shop\n" {
		t.Errorf("%v, printed %q", problems, out)
	}
	b.check("shop", automatic)
	quiet()
	const names = "/webstack/dev/blog/ssl/cert /webstack/dev/blog/ssl/key /blog/ssl/cert /blog/ssl/key " +
		"/webstack/dev/shop/ssl/cert /webstack/dev/shop/ssl/key /shop/ssl/cert /shop/ssl/key"
	if got := strings.Join(Names(b.Base, b.Apps), " "); got != names {
		t.Errorf("names: %s", got)
	}
}

// Two stacks of an account may have an app of the same name: the stack's own certificate comes before the one that both
// would take.
func TestStacksOwnCertificateComesFirst(t *testing.T) {
	t.Parallel()
	shared, sharedKey := issue(t, now.Add(time.Hour), "shop.example.com")
	mine, mineKey := issue(t, now.Add(time.Hour), "shop.example.com")
	b := newBench(t)
	b.put(shared, sharedKey)
	b.Found["/webstack/dev/shop/ssl/cert"], b.Found["/webstack/dev/shop/ssl/key"] = mine, mineKey
	if problems, _ := b.write(); len(problems) > 0 {
		t.Fatal(problems)
	}
	b.check("shop", own(mine, mineKey))
	// One without its key is a mistake to be told of, and no reason to take another stack's.
	delete(b.Found, "/webstack/dev/shop/ssl/key")
	if problems, _ := b.write(); problems["shop"] == nil ||
		!strings.Contains(problems["shop"].Error(), "but no /webstack/dev/shop/ssl/key") {
		t.Errorf("problems: %v", problems)
	}
	b.check("shop", own(mine, mineKey))
	delete(b.Found, "/webstack/dev/shop/ssl/cert")
	if problems, _ := b.write(); len(problems) > 0 {
		t.Fatal(problems)
	}
	b.check("shop", own(shared, sharedKey))
}

// A certificate that cannot be used leaves the one that is in use, and an app without any to Caddy.
func TestFaults(t *testing.T) {
	t.Parallel()
	good, goodKey := issue(t, now.Add(time.Hour), "shop.example.com")
	other, otherKey := issue(t, now.Add(time.Hour), "shop.example.com")
	old, oldKey := issue(t, now, "shop.example.com")
	foreign, foreignKey := issue(t, now.Add(time.Hour), "example.org", "www.example.org")
	long, longKeys := chain(t, now.Add(time.Hour), 3, "shop.example.com")
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}))
	legacy := string(pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x"),
	}))
	for name, test := range map[string]struct {
		put  func(b *bench)
		want string
	}{
		"no key":        {func(b *bench) { b.Found["/shop/ssl/cert"] = other }, "but no /shop/ssl/key"},
		"no cert":       {func(b *bench) { b.Found["/shop/ssl/key"] = otherKey }, "but no /shop/ssl/cert"},
		"other key":     {func(b *bench) { b.put(other, goodKey) }, "its key does not match it"},
		"no PEM":        {func(b *bench) { b.put("text", otherKey) }, "it is not a PEM certificate"},
		"no key in PEM": {func(b *bench) { b.put(other, "text") }, "its key is not a PEM private key"},
		"exchanged":     {func(b *bench) { b.put(otherKey, other) }, "the two are swapped"},
		"encrypted":     {func(b *bench) { b.put(other, encrypted) }, "its key is encrypted with a passphrase"},
		"encrypted RSA": {func(b *bench) { b.put(other, legacy) }, "its key is encrypted with a passphrase"},
		"reversed":      {func(b *bench) { b.put(long[2]+long[1]+long[0], longKeys[0]) }, "its chain is reversed"},
		"own second":    {func(b *bench) { b.put(long[1]+long[0]+long[2], longKeys[0]) }, "own certificate is number 2 of 3"},
		"issuers mixed": {func(b *bench) { b.put(long[0]+long[2]+long[1], longKeys[0]) }, "certificate 1 was issued by number 3"},
		"other domain":  {func(b *bench) { b.put(foreign, foreignKey) }, "it is for example.org, www.example.org, not for shop.example.com"},
		"expired":       {func(b *bench) { b.put(old, oldKey) }, "expired on 2026-01-31"},
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
					!strings.Contains(err.Error(), map[bool]string{true: "stays in use", false: "Caddy obtains a certificate"}[len(before) > 1]) {
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

func TestWholeChain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	certs, keys := chain(t, now.Add(time.Hour), 3, "shop.example.com")
	b.put(strings.Join(certs, ""), keys[0])
	if problems, _ := b.write(); len(problems) > 0 {
		t.Error(problems)
	}
	b.check("shop", own(strings.Join(certs, ""), keys[0]))
}

// What is in use is replaced by one that Caddy gets once it is of no use any more.
func TestWhatIsInUseEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end  func(b *bench)
		want string
	}{
		"expired":      {func(b *bench) { b.Now = now.Add(2 * time.Hour) }, "it expired on"},
		"to come":      {func(b *bench) { b.Now = now.Add(-2 * time.Hour) }, "it is not valid before 2026-01-31 02:15:00"},
		"other domain": {func(b *bench) { b.Apps[1].Domain = "shop.example.org" }, "not for shop.example.org"},
	} {
		b := newBench(t)
		b.put(issue(t, now.Add(time.Hour), "shop.example.com"))
		b.write()
		test.end(b)
		problems, _ := b.write()
		if err := problems["shop"]; err == nil || !strings.Contains(err.Error(), test.want) ||
			!strings.Contains(err.Error(), "Caddy obtains a certificate") {
			t.Errorf("%s: problems %v", name, problems)
		}
		b.check("shop", automatic)
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
