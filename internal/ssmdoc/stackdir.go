package ssmdoc

import (
	"fmt"
	"regexp"
)

var stackDir = regexp.MustCompile(`^(?:/[A-Za-z0-9._-]+)+$`)

// CheckStackDir finds fault with a stack directory that must not stand between single quotes in a script.
func CheckStackDir(dir string) error {
	if !stackDir.MatchString(dir) {
		return fmt.Errorf("use stack directory %q: give an absolute path of letters, digits and ._-", dir)
	}
	return nil
}
