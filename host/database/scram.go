package database

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// verifier is what Postgres stores of a password for SCRAM-SHA-256 (RFC 5802). It is sent instead of the password, so
// that no log, not even of a failed statement, can contain the password, and compared with what Postgres stores.
type verifier struct {
	iterations           int
	salt                 []byte
	storedKey, serverKey []byte
}

const (
	scramPrefix = "SCRAM-SHA-256$"
	// iterations and saltLength are Postgres' defaults.
	iterations = 4096
	saltLength = 16
	// maxIterations limits the work that a stored verifier can cause.
	maxIterations = 1 << 20
)

// Verifier returns what Postgres stores of a password, and accepts instead of it. The password is printable ASCII.
func Verifier(password string) (string, error) {
	v, err := newVerifier(password)
	if err != nil {
		return "", err
	}
	return v.String(), nil
}

func newVerifier(password string) (verifier, error) {
	salt := make([]byte, saltLength)
	// Never fails: see crypto/rand.
	_, _ = rand.Read(salt)
	return derive(password, salt, iterations)
}

// derive accepts only ASCII passwords: others are normalized first, and Postgres and its clients do not all agree on
// how.
func derive(password string, salt []byte, iterations int) (verifier, error) {
	if password == "" || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
		return verifier{}, errors.New("use password: it is empty, or has characters that are not printable ASCII")
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return verifier{}, fmt.Errorf("use password: %w", err)
	}
	stored := sha256.Sum256(mac(salted, "Client Key"))
	return verifier{iterations: iterations, salt: salt, storedKey: stored[:], serverKey: mac(salted, "Server Key")}, nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text))
	return h.Sum(nil)
}

// String returns the form that Postgres stores in pg_authid and accepts as a password.
func (v verifier) String() string {
	encode := base64.StdEncoding.EncodeToString
	return scramPrefix + strconv.Itoa(v.iterations) + ":" + encode(v.salt) + "$" + encode(v.storedKey) + ":" +
		encode(v.serverKey)
}

// matches reports whether a stored verifier is that of the password. It returns false for one that it cannot read.
func matches(stored, password string) bool {
	rest, ok := strings.CutPrefix(stored, scramPrefix)
	count, rest, ok2 := strings.Cut(rest, ":")
	salt, _, ok3 := strings.Cut(rest, "$")
	n, err := strconv.Atoi(count)
	raw, err2 := base64.StdEncoding.DecodeString(salt)
	if !ok || !ok2 || !ok3 || err != nil || err2 != nil || n < 1 || n > maxIterations {
		return false
	}
	v, err := derive(password, raw, n)
	return err == nil && hmac.Equal([]byte(v.String()), []byte(stored))
}
