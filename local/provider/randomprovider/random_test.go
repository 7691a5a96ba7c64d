package randomprovider

import (
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"golang.org/x/crypto/bcrypt"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

const (
	idToken       = "random:index/randomId:RandomId"
	passwordToken = "random:index/randomPassword:RandomPassword"
	stringToken   = "random:index/randomString:RandomString"
)

func newEngine(t *testing.T) *providertest.Engine {
	t.Helper()
	return providertest.ServeFor(t, Package(), types()).Engine(t, nil)
}

// all are the inputs of a text with every class of characters in it.
var all = provider.Values{
	"length": 24, "minUpper": 2, "minLower": 3, "minNumeric": 4, "minSpecial": 5, "keepers": provider.Values{"turn": "1"},
}

// drawnAnew are changes of which each draws another text.
var drawnAnew = []provider.Values{
	{"length": 25}, {"special": false}, {"minUpper": 3}, {"overrideSpecial": "-_"},
	{"keepers": provider.Values{"turn": "2"}}, {"keepers": nil},
}

func TestRandomPassword(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token: passwordToken, Inputs: all, Replace: drawnAnew,
		Unknown: []string{"result", "bcryptHash"},
		Want:    provider.Values{"upper": true, "numeric": true},
		Secrets: []string{"bcryptHash", "result"},
		// An import knows the password only, not what it was drawn with.
		ImportID: "{result}", NotImported: []string{"keepers", "minUpper", "minLower", "minNumeric", "minSpecial"},
		Survives: true,
	}.Run(t, newEngine(t))
}

func TestRandomString(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token: stringToken, Inputs: all, Replace: drawnAnew,
		Unknown:     []string{"result"},
		NotImported: []string{"keepers", "minUpper", "minLower", "minNumeric", "minSpecial"},
		Survives:    true,
	}.Run(t, newEngine(t))
}

func TestRandomId(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token: idToken, Inputs: provider.Values{"byteLength": 8, "prefix": "bucket-"},
		Unknown:  []string{"hex", "dec", "b64Url", "b64Std"},
		Replace:  []provider.Values{{"byteLength": 9}, {"prefix": "b-"}, {"keepers": provider.Values{"turn": "2"}}},
		ImportID: "bucket-,{id}", Survives: true,
	}.Run(t, newEngine(t))
}

// TestFormsOfAnId: all outputs are the same bytes.
func TestFormsOfAnId(t *testing.T) {
	t.Parallel()
	r := newEngine(t).Create(idToken, provider.Values{"byteLength": 5, "prefix": "p-"})
	bytes, err := base64.RawURLEncoding.DecodeString(r.ID)
	if err != nil || len(bytes) != 5 {
		t.Fatalf("id %q: %v", r.ID, err)
	}
	for key, want := range map[string]string{
		"hex": hex.EncodeToString(bytes), "dec": new(big.Int).SetBytes(bytes).String(), "b64Url": r.ID,
		"b64Std": base64.StdEncoding.EncodeToString(bytes),
	} {
		if got := r.Outputs.Str(key); got != "p-"+want {
			t.Errorf("%s is %q, want %q", key, got, "p-"+want)
		}
	}
}

// TestCharacters: a text has as many of each class as were asked for, and none of a class that is turned off.
func TestCharacters(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	for name, test := range map[string]struct {
		inputs  provider.Values
		allowed string
	}{
		"digits only": {provider.Values{
			"length": 40, "upper": false, "lower": false, "special": false,
		}, "0123456789"},
		"other special characters": {provider.Values{
			"length": 40, "upper": false, "lower": false, "numeric": false, "overrideSpecial": "-_",
		}, "-_"},
		"some of a class that is off": {provider.Values{
			"length": 40, "upper": false, "lower": false, "special": false, "minSpecial": 3, "overrideSpecial": "~",
		}, "0123456789~"},
	} {
		got := e.Create(stringToken, test.inputs).Outputs.Str("result")
		if len(got) != 40 || strings.Trim(got, test.allowed) != "" {
			t.Errorf("%s: %q", name, got)
		}
		if want := atLeast(test.inputs, "minSpecial"); want > 0 && strings.Count(got, "~") != want {
			t.Errorf("%s: %q, want %d of ~", name, got, want)
		}
	}
	got := e.Create(stringToken, all).Outputs.Str("result")
	for _, class := range classes {
		count := 0
		for _, character := range got {
			if strings.ContainsRune(class.characters, character) {
				count++
			}
		}
		if least := atLeast(all, class.least); count < least {
			t.Errorf("%q has %d of %s, want %d", got, count, class.characters, least)
		}
	}
}

// atLeast returns the number that a test set, or 0.
func atLeast(in provider.Values, key string) int { n, _ := in[key].(int); return n }

func TestTwoPasswordsDiffer(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one, two := e.Create(passwordToken, all), e.Create(passwordToken, all)
	if one.Outputs["result"] == two.Outputs["result"] {
		t.Error("the same password was drawn twice")
	}
	if one.ID != "none" {
		t.Errorf("the id is %q", one.ID)
	}
}

// TestNothingChangesInPlace: every change replaces, and an engine that asks for an update is told so.
func TestNothingChangesInPlace(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	for token, inputs := range map[string]provider.Values{
		passwordToken: all, stringToken: all, idToken: {"byteLength": 8},
	} {
		r := e.Create(token, inputs)
		turned := providertest.Merged(inputs, provider.Values{"keepers": provider.Values{"turn": "2"}})
		if err := r.TryUpdate(turned); err == nil || !strings.Contains(err.Error(), "does not support updates") {
			t.Errorf("%s: %v", token, err)
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	r := newEngine(t).Create(passwordToken, provider.Values{"length": 100})
	password, hash := []byte(r.Outputs.Str("result")), []byte(r.Outputs.Str("bcryptHash"))
	if err := bcrypt.CompareHashAndPassword(hash, password[:maxHashed]); err != nil {
		t.Error(err)
	}
}

// TestLostPasswordIsDrawnAgain: an engine that was killed knows the inputs and the id, but not the password.
func TestLostPasswordIsDrawnAgain(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	r := e.Create(passwordToken, all)
	if id, _, _ := e.Read(passwordToken, r.ID, r.Inputs, r.Inputs); id != "" {
		t.Errorf("a password that nobody knows is read as %q", id)
	}
	text := e.Create(stringToken, all)
	_, _, outputs := e.Read(stringToken, text.ID, text.Inputs, text.Inputs)
	if outputs["result"] != text.Outputs["result"] {
		t.Errorf("the text is lost: %v", outputs)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	for token, inputs := range map[string]provider.Values{
		passwordToken: {"length": 10, "minUpper": 6, "minNumeric": 5},
		stringToken:   {"length": 0}, idToken: {"byteLength": 0},
	} {
		if _, problems := e.Check(token, nil, inputs); len(problems) != 1 || !strings.Contains(problems[0], "ength: ") {
			t.Errorf("%s: %q", token, problems)
		}
	}
	none := provider.Values{"length": 8, "upper": false, "lower": false, "numeric": false, "special": false}
	if _, err := e.TryCreate(passwordToken, none); err == nil || !strings.Contains(err.Error(), "are all false") {
		t.Errorf("no class: %v", err)
	}
}

func TestPropertiesAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	providertest.CheckTypes(t, types(), map[string]providertest.SDKType{
		idToken:       {random.RandomIdArgs{}, random.RandomIdState{}},
		passwordToken: {random.RandomPasswordArgs{}, random.RandomPasswordState{}},
		stringToken:   {random.RandomStringArgs{}, random.RandomStringState{}},
	})
}
