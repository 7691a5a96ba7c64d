package randomprovider

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"webstack/local/provider"
)

func randomID() provider.Type {
	return provider.Type{
		Props: map[string]provider.Prop{
			"byteLength": {Required: true, Replace: true, Check: checkCount},
			"prefix":     {Replace: true},
			"keepers":    {Replace: true},
			"hex":        {Output: true},
			"dec":        {Output: true},
			"b64Url":     {Output: true},
			"b64Std":     {Output: true},
		},
		Create: func(_ context.Context, in provider.Values) (string, error) {
			id := make([]byte, in.Int("byteLength"))
			_, err := rand.Read(id)
			return base64.RawURLEncoding.EncodeToString(id), err
		},
		Read:   readID,
		Delete: forget,
		// The id to import is the random part, with "<prefix>," before it when there is a prefix.
		Import: func(_ context.Context, id string) (string, provider.Values, error) {
			prefix, own, ok := strings.Cut(id, ",")
			if !ok {
				return id, provider.Values{}, nil
			}
			return own, provider.Values{"prefix": prefix}, nil
		},
	}
}

// readID works everything out from the id, which is the random bytes.
func readID(_ context.Context, id string, known provider.Values) (provider.Values, error) {
	bytes, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return nil, fmt.Errorf("read id %q: %w", id, err)
	}
	prefix := known.Str("prefix")
	out := provider.Values{
		"byteLength": len(bytes),
		"hex":        prefix + hex.EncodeToString(bytes),
		"dec":        prefix + new(big.Int).SetBytes(bytes).String(),
		"b64Url":     prefix + id,
		"b64Std":     prefix + base64.StdEncoding.EncodeToString(bytes),
	}
	for _, key := range []string{"prefix", "keepers"} {
		out[key] = known[key]
	}
	return out, nil
}
