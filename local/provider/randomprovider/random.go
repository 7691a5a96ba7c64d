package randomprovider

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"

	"webstack/local/provider"
)

// Package returns the random provider.
func Package() provider.Package {
	return provider.Package{
		Name: "random",
		Configure: func(context.Context, provider.Values) (*provider.Instance, error) {
			return &provider.Instance{Types: map[string]provider.Type{
				"random:index/randomId:RandomId":             randomID(),
				"random:index/randomPassword:RandomPassword": randomPassword(),
			}}, nil
		},
	}
}

// class is a kind of characters and the inputs that govern it.
type class struct {
	switchedBy, least, characters string
}

var classes = []class{
	{"upper", "minUpper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"lower", "minLower", "abcdefghijklmnopqrstuvwxyz"},
	{"numeric", "minNumeric", "0123456789"},
	{"special", "minSpecial", "!@#$%&*()-_=+[]{}<>:?"},
}

func randomPassword() provider.Type {
	props := map[string]provider.Prop{
		"length":          {Required: true, Replace: true},
		"overrideSpecial": {Replace: true},
		"keepers":         {Replace: true},
		"result":          {Output: true, Secret: true},
	}
	for _, class := range classes {
		props[class.switchedBy] = provider.Prop{Default: true, Replace: true}
		props[class.least] = provider.Prop{Default: 0, Replace: true}
	}
	return drawn(props, func(in provider.Values) []string {
		least := 1
		for _, class := range classes {
			least = max(least, 0) + in.Int(class.least)
		}
		if in.Has("length") && in.Int("length") < max(1, least-1) {
			return []string{"length: must be 1 or more, and as much as the least numbers of all kinds together"}
		}
		return nil
	}, func(in provider.Values) (string, provider.Values, error) {
		password, err := draw(in)
		return "none", provider.Values{"result": password}, err
	})
}

// draw makes a password: first what each kind must have at least, then the rest from all kinds, in random order.
func draw(in provider.Values) (string, error) {
	var password []byte
	all := ""
	for _, class := range classes {
		characters := class.characters
		if class.switchedBy == "special" && in.Str("overrideSpecial") != "" {
			characters = in.Str("overrideSpecial")
		}
		if in.Bool(class.switchedBy) {
			all += characters
		}
		password = append(password, pick(characters, in.Int(class.least))...)
	}
	if all == "" {
		return "", errors.New("draw a password: no kind of characters is switched on")
	}
	password = append(password, pick(all, in.Int("length")-len(password))...)
	for i := len(password) - 1; i > 0; i-- {
		j := below(i + 1)
		password[i], password[j] = password[j], password[i]
	}
	return string(password), nil
}

func pick(characters string, n int) []byte {
	var out []byte
	for range n {
		out = append(out, characters[below(len(characters))])
	}
	return out
}

// below is a random number from 0 to n-1.
func below(n int) int {
	drawn, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic("randomprovider: the system has no randomness: " + err.Error()) // crypto/rand never fails on Linux and macOS
	}
	return int(drawn.Int64())
}

func randomID() provider.Type {
	return drawn(map[string]provider.Prop{
		"byteLength": {Required: true, Replace: true},
		"prefix":     {Replace: true},
		"keepers":    {Replace: true},
		"hex":        {Output: true},
		"dec":        {Output: true},
		"b64Url":     {Output: true},
		"b64Std":     {Output: true},
	}, nil, func(in provider.Values) (string, provider.Values, error) {
		id := make([]byte, in.Int("byteLength"))
		if _, err := rand.Read(id); err != nil {
			return "", nil, err
		}
		prefix, url := in.Str("prefix"), base64.RawURLEncoding.EncodeToString(id)
		return url, provider.Values{
			"hex": prefix + hex.EncodeToString(id), "dec": prefix + new(big.Int).SetBytes(id).String(),
			"b64Url": prefix + url, "b64Std": prefix + base64.StdEncoding.EncodeToString(id),
		}, nil
	})
}

// drawn describes a type that lives in the stack's state only. What Create draws reaches the state by way of Read.
func drawn(
	props map[string]provider.Prop, validate func(provider.Values) []string,
	draw func(provider.Values) (string, provider.Values, error),
) provider.Type {
	return provider.Type{
		Props:    props,
		Validate: validate,
		Create: func(_ context.Context, in provider.Values) (string, error) {
			id, outputs, err := draw(in)
			for key, value := range outputs {
				in[key] = value // Read right after gets these inputs as what is known
			}
			return id, err
		},
		Read: func(_ context.Context, _ string, known provider.Values) (provider.Values, error) { return known, nil },
		Delete: func(context.Context, string, provider.Values) error {
			return nil
		},
	}
}
