package randomprovider

import (
	"context"
	"fmt"

	"golang.org/x/crypto/bcrypt"

	"webstack/local/provider"
)

const (
	// passwordID is the id of all passwords: an id is not secret.
	passwordID = "none"
	// maxHashed is how many bytes of a password bcrypt takes into account.
	maxHashed = 72
)

func randomPassword() provider.Type {
	return provider.Type{
		Props: map[string]provider.Prop{
			"length":     {Required: true, Replace: true, Check: checkCount},
			"special":    {Default: true, Replace: true},
			"result":     {Output: true, Secret: true},
			"bcryptHash": {Output: true, Secret: true},
		},
		Create: func(_ context.Context, in provider.Values) (string, error) {
			return passwordID, keep(in, draw(in.Int("length"), in.Bool("special")))
		},
		Read:   readPassword,
		Delete: forget,
		Import: func(_ context.Context, id string) (string, provider.Values, error) {
			known := provider.Values{"length": len(id), "special": true}
			return passwordID, known, keep(known, id)
		},
	}
}

// keep puts a password among the known values, which Read gets next and which end up in the state. The hash is as cheap
// as bcrypt permits, for a stack may have hundreds of passwords and the laptop cloud guards nothing with it.
func keep(known provider.Values, password string) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(password)[:min(len(password), maxHashed)], bcrypt.MinCost)
	if err != nil {
		return fmt.Errorf("hash the password: %w", err)
	}
	known["result"], known["bcryptHash"] = password, string(hash)
	return nil
}

// readPassword gives back what the state knows. A password that was drawn for an engine that was killed before it wrote
// the state is lost; it counts as gone, so that another one is drawn.
func readPassword(_ context.Context, _ string, known provider.Values) (provider.Values, error) {
	if known["result"] == nil {
		return nil, provider.ErrGone
	}
	return known, nil
}
