package randomprovider

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"

	"webstack/local/provider"
)

func randomID() provider.Type {
	return provider.Type{
		Props: map[string]provider.Prop{
			"byteLength": {Required: true, Replace: true, Check: checkCount},
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
	}
}

// readID works everything out from the id, which is the random bytes.
func readID(_ context.Context, id string, _ provider.Values) (provider.Values, error) {
	bytes, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return nil, fmt.Errorf("read id %q: %w", id, err)
	}
	return provider.Values{
		"byteLength": len(bytes),
		"hex":        hex.EncodeToString(bytes),
		"dec":        new(big.Int).SetBytes(bytes).String(),
		"b64Url":     id,
		"b64Std":     base64.StdEncoding.EncodeToString(bytes),
	}, nil
}
