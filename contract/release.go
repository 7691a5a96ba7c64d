package contract

import (
	"fmt"
	"strings"

	"webstack/internal/lazyregexp"
)

// releaseRE matches an image's tag, alone or with the digest that it had when it was released.
var releaseRE = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$`)

// NoRelease is the value of the release parameter of an app that was never deployed. It is not a valid tag, because
// tags do not begin with "-".
const NoRelease = "-"

// ParseRelease checks the value of an app's release parameter (see AppReleaseParam): "TAG" or "TAG@sha256:DIGEST" of an
// image in the app's repository, and nothing else. The tag has 1..128 letters, digits and "_.-", and does not begin
// with "." or "-".
func ParseRelease(text string) (string, error) {
	if !releaseRE.MatchString(text) {
		return "", fmt.Errorf("read release: %q is neither TAG nor TAG@sha256:DIGEST", clip(text, 200))
	}
	return text, nil
}

// ReleaseImage returns the image of an app's release.
func ReleaseImage(repository, release string) string { return repository + ":" + release }

// ReleaseOf is the inverse of ReleaseImage. It returns "" for an image of another repository.
func ReleaseOf(repository, image string) string {
	release, ok := strings.CutPrefix(image, repository+":")
	if !ok {
		return ""
	}
	return release
}

func clip(s string, limit int) string {
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}
