package randomprovider

import (
	"context"
	"fmt"
	"maps"

	"golang.org/x/crypto/bcrypt"

	"webstack/local/provider"
)

const (
	// passwordID is the id of all passwords: an id is not secret.
	passwordID = "none"
	// maxHashed is how many bytes of a password bcrypt takes into account.
	maxHashed = 72
)

// randomString describes texts that are not secret: the id is the text itself.
func randomString() provider.Type {
	return provider.Type{
		Props:    provider.With(drawProps(), map[string]provider.Prop{"result": {Output: true}}),
		Validate: checkDraw,
		Create:   func(_ context.Context, in provider.Values) (string, error) { return draw(in) },
		Read: func(_ context.Context, id string, known provider.Values) (provider.Values, error) {
			out := maps.Clone(known)
			out["result"] = id
			return out, nil
		},
		Delete: forget,
		Import: func(_ context.Context, id string) (string, provider.Values, error) { return id, asDrawn(id), nil },
	}
}

func randomPassword() provider.Type {
	return provider.Type{
		Props: provider.With(drawProps(), map[string]provider.Prop{
			"result":     {Output: true, Secret: true},
			"bcryptHash": {Output: true, Secret: true},
		}),
		Validate: checkDraw,
		Create: func(_ context.Context, in provider.Values) (string, error) {
			password, err := draw(in)
			if err != nil {
				return "", err
			}
			return passwordID, keep(in, password)
		},
		Read:   readPassword,
		Delete: forget,
		Import: func(_ context.Context, id string) (string, provider.Values, error) {
			known := asDrawn(id)
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
