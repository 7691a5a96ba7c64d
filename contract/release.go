package contract

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"webstack/internal/lazyregexp"
)

// releaseRE matches an image's tag, alone or with the digest that it had when it was released, or a digest alone.
var releaseRE = lazyregexp.New("^" + ReleasePattern + "$")

// NoRelease is the value of the release parameter of an app that was never deployed. It is not a valid tag, because
// tags do not begin with "-".
const NoRelease = "-"

// PinTagPrefix is how the tags of the pins in an app's repository begin. A pin refers to images that must not expire.
const PinTagPrefix = "webstack-live-"

// ParseRelease checks the value of an app's release parameter (see AppReleaseParam): "TAG", "TAG@sha256:DIGEST" or
// "sha256:DIGEST" of an image in the app's repository, and nothing else. The tag has 1..128 letters, digits and "_.-",
// and does not begin with "." or "-".
func ParseRelease(text string) (string, error) {
	if !releaseRE.MatchString(text) {
		return "", fmt.Errorf("read release: %q is neither TAG nor TAG@sha256:DIGEST nor sha256:DIGEST", Clip(text, 200))
	}
	return text, nil
}

// SplitRelease returns the tag and the digest ("sha256:...") of a release, each "" without one.
func SplitRelease(release string) (tag, digest string) {
	if strings.HasPrefix(release, digestPrefix) {
		return "", release
	}
	tag, digest, _ = strings.Cut(release, "@")
	return tag, digest
}

const digestPrefix = "sha256:"

// ShortRelease shortens the digest of a release for people to read.
func ShortRelease(release string) string {
	tag, digest := SplitRelease(release)
	const shown = len(digestPrefix) + 12
	if len(digest) > shown {
		digest = digest[:shown]
	}
	return strings.Trim(tag+"@"+digest, "@")
}

// PinRelease returns a release with the digest that its image has.
func PinRelease(release, digest string) string {
	if tag, _ := SplitRelease(release); tag != "" {
		return tag + "@" + digest
	}
	return digest
}

// SameImage reports whether two releases are the same image: they have the same digest or, if one has none, the same
// tag.
func SameImage(a, b string) bool {
	tagA, digestA := SplitRelease(a)
	tagB, digestB := SplitRelease(b)
	if digestA != "" && digestB != "" {
		return digestA == digestB
	}
	return tagA == tagB && tagA != ""
}

// ReleaseImage returns the image of an app's release.
func ReleaseImage(repository, release string) string {
	if strings.HasPrefix(release, digestPrefix) {
		return repository + "@" + release
	}
	return repository + ":" + release
}

// ReleaseOf is the inverse of ReleaseImage. It returns "" for an image of another repository.
func ReleaseOf(repository, image string) string {
	rest, ok := strings.CutPrefix(image, repository)
	if !ok || rest == "" || rest[0] != ':' && rest[0] != '@' {
		return ""
	}
	return rest[1:]
}

// Clip cuts a text that is longer than limit bytes, between two characters.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "..."
}
