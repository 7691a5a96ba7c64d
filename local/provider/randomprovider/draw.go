package randomprovider

import (
	"crypto/rand"
	"fmt"
	"math/big"
)

// The characters of passwords: the special ones only if the program does not switch them off.
const (
	plain   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	special = "!@#$%&*()-_=+[]{}<>:?"
)

// checkCount permits whole numbers from 1.
func checkCount(value any) string {
	if n, ok := value.(float64); ok && n >= 1 && n == float64(int(n)) {
		return ""
	}
	return fmt.Sprintf("%v is not a whole number from 1", value)
}

// draw makes a text of random characters.
func draw(length int, withSpecial bool) string {
	characters := plain
	if withSpecial {
		characters += special
	}
	out := make([]byte, length)
	for i := range out {
		out[i] = characters[below(len(characters))]
	}
	return string(out)
}

// below returns a random number from 0 to n-1.
func below(n int) int {
	drawn, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic("randomprovider: the system has no randomness: " + err.Error()) // rand.Reader never fails
	}
	return int(drawn.Int64())
}
