package contract

import (
	"strings"
	"testing"
)

func TestParseRelease(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0f", 32)
	for _, good := range []string{"v1", "1.2.3", "_x", "a-b_c.d", "v1" + digest, strings.Repeat("x", 128)} {
		if got, err := ParseRelease(good); err != nil || got != good {
			t.Errorf("%q: got %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", " v1", "v1\n", ".v1", "-v1", "v1:2", "v/1", "v1@", digest, digest[1:], "v1" + digest + "0", "v1@sha512:00", "$x", `v"`,
		"v1" + strings.ToUpper(digest), strings.Repeat("x", 129), "ü",
	} {
		if _, err := ParseRelease(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestReleaseImage(t *testing.T) {
	t.Parallel()
	image := ReleaseImage("r.example.com/p/shop", "v1")
	if got := ReleaseOf("r.example.com/p/shop", image); got != "v1" {
		t.Errorf("got %q of %q", got, image)
	}
	if got := ReleaseOf("r.example.com/p", image); got != "" {
		t.Errorf("got %q of another repository", got)
	}
}
