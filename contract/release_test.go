package contract

import (
	"strings"
	"testing"
)

func TestParseRelease(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0f", 32)
	for _, good := range []string{"v1", "1.2.3", "_x", "a-b_c.d", "v1" + digest, digest[1:], strings.Repeat("x", 128)} {
		if got, err := ParseRelease(good); err != nil || got != good {
			t.Errorf("%q: got %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", " v1", "v1\n", ".v1", "-v1", "v1:2", "v/1", "v1@", digest, digest[1:] + "0", "v1" + digest + "0", "v1@sha512:00", "$x", `v"`,
		"v1" + strings.ToUpper(digest), strings.Repeat("x", 129), "ü",
	} {
		if _, err := ParseRelease(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestShortRelease(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0f", 32)
	for release, want := range map[string]string{
		"v1": "v1", digest: "sha256:0f0f0f0f0f0f", "v1@" + digest: "v1@sha256:0f0f0f0f0f0f", "": "",
	} {
		if got := ShortRelease(release); got != want {
			t.Errorf("%q: got %q, want %q", release, got, want)
		}
	}
}

func TestReleaseImage(t *testing.T) {
	t.Parallel()
	image := ReleaseImage("r.example.com/p/shop", "v1")
	if got := ReleaseOf("r.example.com/p/shop", image); got != "v1" {
		t.Errorf("got %q of %q", got, image)
	}
	for _, other := range []string{"r.example.com/p", "r.example.com/p/sho"} {
		if got := ReleaseOf(other, image); got != "" {
			t.Errorf("got %q of another repository", got)
		}
	}
	digest := "sha256:" + strings.Repeat("0f", 32)
	if image := ReleaseImage("r/shop", digest); image != "r/shop@"+digest || ReleaseOf("r/shop", image) != digest {
		t.Errorf("the image of a digest is %q, its release %q", image, ReleaseOf("r/shop", image))
	}
}

func TestSameImage(t *testing.T) {
	t.Parallel()
	a, b := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"v1", "v1", true}, {"v1", "v2", false}, {"v1@" + a, "v2@" + a, true}, {"v1@" + a, "v1@" + b, false},
		{"v1", "v1@" + a, true}, {a, "v1@" + a, true}, {a, "v1", false}, {"", "", false}, {a, b, false},
	} {
		if got := SameImage(test.a, test.b); got != test.want || SameImage(test.b, test.a) != got {
			t.Errorf("%q and %q: got %v", test.a, test.b, got)
		}
	}
}

func TestPinRelease(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	for release, want := range map[string]string{"v1": "v1@" + digest, "v1@sha256:b": "v1@" + digest, "sha256:b": digest} {
		if got := PinRelease(release, digest); got != want {
			t.Errorf("%s: got %s, want %s", release, got, want)
		}
	}
}
