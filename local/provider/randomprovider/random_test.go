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
)

func newEngine(t *testing.T) *providertest.Engine {
	t.Helper()
	return providertest.ServeFor(t, Package(), types()).Engine(t, nil)
}

// long are the inputs of a password that two draws cannot make twice.
var long = provider.Values{"length": 24}

func TestRandomPassword(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token: passwordToken, Inputs: long, Replace: []provider.Values{{"length": 25}, {"special": false}},
		Unknown:  []string{"result", "bcryptHash"},
		Want:     provider.Values{"special": true},
		Secrets:  []string{"bcryptHash", "result"},
		ImportID: "{result}",
		Survives: true,
	}.Run(t, newEngine(t))
}

func TestRandomId(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token: idToken, Inputs: provider.Values{"byteLength": 8},
		Unknown:  []string{"hex", "dec", "b64Url", "b64Std"},
		Replace:  []provider.Values{{"byteLength": 9}},
		Survives: true,
	}.Run(t, newEngine(t))
}

// TestFormsOfAnId: all outputs are the same bytes.
func TestFormsOfAnId(t *testing.T) {
	t.Parallel()
	r := newEngine(t).Create(idToken, provider.Values{"byteLength": 5})
	bytes, err := base64.RawURLEncoding.DecodeString(r.ID)
	if err != nil || len(bytes) != 5 {
		t.Fatalf("id %q: %v", r.ID, err)
	}
	for key, want := range map[string]string{
		"hex": hex.EncodeToString(bytes), "dec": new(big.Int).SetBytes(bytes).String(), "b64Url": r.ID,
		"b64Std": base64.StdEncoding.EncodeToString(bytes),
	} {
		if got := r.Outputs.Str(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

// TestCharacters: a password has the length it should have, and no special characters if they are switched off.
func TestCharacters(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	for without, allowed := range map[bool]string{true: plain, false: plain + special} {
		got := e.Create(passwordToken, provider.Values{"length": 400, "special": !without}).Outputs.Str("result")
		if len(got) != 400 || strings.Trim(got, allowed) != "" || strings.ContainsAny(got, special) == without {
			t.Errorf("without special characters %v: %q", without, got)
		}
	}
}

func TestTwoPasswordsDiffer(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one, two := e.Create(passwordToken, long), e.Create(passwordToken, long)
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
		passwordToken: long, idToken: {"byteLength": 8},
	} {
		r := e.Create(token, inputs)
		turned := provider.Values{"length": 30}
		if token == idToken {
			turned = provider.Values{"byteLength": 9}
		}
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
	r := e.Create(passwordToken, long)
	if id, _, _ := e.Read(passwordToken, r.ID, r.Inputs, r.Inputs); id != "" {
		t.Errorf("a password that nobody knows is read as %q", id)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	for token, inputs := range map[string]provider.Values{
		passwordToken: {"length": 0}, idToken: {"byteLength": 0},
	} {
		if _, problems := e.Check(token, nil, inputs); len(problems) != 1 || !strings.Contains(problems[0], "ength: ") {
			t.Errorf("%s: %q", token, problems)
		}
	}
}

func TestPropertiesAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	providertest.CheckTypes(t, types(), map[string]providertest.SDKType{
		idToken:       {random.RandomIdArgs{}, random.RandomIdState{}},
		passwordToken: {random.RandomPasswordArgs{}, random.RandomPasswordState{}},
	})
}
