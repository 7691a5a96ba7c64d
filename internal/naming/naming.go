// Package naming makes physical names: joined from parts, within a limit, and never equal for different parts.
package naming

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// hashLength is the number of hexadecimal digits that stand for what was cut off: 32 bits.
const hashLength = 8

// Name joins parts with dashes. A name longer than limit characters is cut, and a hash of the whole takes the place of
// its end, so that names that differ only there stay different. limit must be above 9.
func Name(limit int, parts ...string) string {
	whole := strings.Join(parts, "-")
	if len(whole) <= limit {
		return whole
	}
	return strings.TrimRight(whole[:limit-hashLength-1], "-") + "-" + Hash(whole)
}

// Hash is 8 hexadecimal digits that stand for a text.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:hashLength]
}
