package randomprovider

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"

	"webstack/local/provider"
)

// class is a kind of characters and the inputs that govern it.
type class struct {
	enabled, least, characters string
}

var classes = []class{
	{"upper", "minUpper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"lower", "minLower", "abcdefghijklmnopqrstuvwxyz"},
	{"numeric", "minNumeric", "0123456789"},
	{"special", "minSpecial", "!@#$%&*()-_=+[]{}<>:?"},
}

// drawProps returns the inputs of strings and passwords. Every change draws again.
func drawProps() map[string]provider.Prop {
	props := map[string]provider.Prop{
		"length":          {Required: true, Replace: true, Check: checkCount},
		"overrideSpecial": {Replace: true},
		"keepers":         {Replace: true},
	}
	for _, class := range classes {
		props[class.enabled] = provider.Prop{Default: true, Replace: true}
		props[class.least] = provider.Prop{Default: 0, Replace: true}
	}
	return props
}

// checkCount permits whole numbers from 1.
func checkCount(value any) string {
	if n, ok := value.(float64); ok && n >= 1 && n == float64(int(n)) {
		return ""
	}
	return fmt.Sprintf("%v is not a whole number from 1", value)
}

// checkDraw reports a length that is too short for its required parts.
func checkDraw(in provider.Values) []string {
	least := 0
	for _, class := range classes {
		least += in.Int(class.least)
	}
	if in.Has("length") && in.Int("length") < least {
		return []string{fmt.Sprintf("length: must be at least %d, for minUpper, minLower, minNumeric and minSpecial", least)}
	}
	return nil
}

// draw makes a text: first what each class must have at least, then the rest from all that are enabled, shuffled.
func draw(in provider.Values) (string, error) {
	var drawn []byte
	all := ""
	for _, class := range classes {
		characters := class.characters
		if override := in.Str("overrideSpecial"); class.enabled == "special" && override != "" {
			characters = override
		}
		if in.Bool(class.enabled) {
			all += characters
		}
		drawn = append(drawn, pick(characters, in.Int(class.least))...)
	}
	if all == "" {
		return "", errors.New("draw characters: upper, lower, numeric and special are all false")
	}
	drawn = append(drawn, pick(all, in.Int("length")-len(drawn))...)
	for i := len(drawn) - 1; i > 0; i-- {
		j := below(i + 1)
		drawn[i], drawn[j] = drawn[j], drawn[i]
	}
	return string(drawn), nil
}

func pick(characters string, n int) []byte {
	var out []byte
	for range n {
		out = append(out, characters[below(len(characters))])
	}
	return out
}

// below returns a random number from 0 to n-1.
func below(n int) int {
	drawn, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic("randomprovider: the system has no randomness: " + err.Error()) // rand.Reader never fails
	}
	return int(drawn.Int64())
}

// asDrawn returns the inputs that an imported text is taken to have been drawn with.
func asDrawn(text string) provider.Values {
	in := provider.Values{"length": len(text), "result": text}
	for _, class := range classes {
		in[class.enabled], in[class.least] = true, 0
	}
	return in
}
