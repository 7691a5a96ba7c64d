package firewall

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/host/internal/commandtest"
)

var limits = contract.Web{
	Connections: 20, ConnectionsPerAddress: 5, Proxies: []string{"10.97.1.0/24", "2001:db8::/32"},
}

// kernel keeps the rules of both families, as far as the package uses them.
type kernel struct {
	commandtest.Runner
	rules map[string][]string // by program, each as CHAIN RULE
	fail  string              // a part of the call that fails
}

func newKernel() *kernel {
	k := &kernel{rules: map[string][]string{}}
	for _, f := range families {
		k.Set(f.program, func(c commandtest.Call) (string, error) {
			if k.fail != "" && strings.Contains(c.Line(), k.fail) {
				return "", commandtest.Fail(f.program, 4, "no memory")
			}
			_, rule, _ := strings.Cut(c.Line(), "--table mangle ")
			how, rule, _ := strings.Cut(rule, " ")
			switch has := slices.Contains(k.rules[f.program], rule); {
			case how == "--append":
				k.rules[f.program] = append(k.rules[f.program], rule)
			case how == "--check" && !has:
				return "", commandtest.Fail(f.program, 1, "Bad rule (does a matching rule exist in that chain?).")
			}
			return "", nil
		})
		k.Set(f.program+"-restore", func(c commandtest.Call) (string, error) {
			k.rules[f.program] = slices.DeleteFunc(k.rules[f.program], func(rule string) bool {
				return strings.HasPrefix(rule, chain+" ")
			})
			for line := range strings.Lines(c.Input) {
				if rule, ok := strings.CutPrefix(line, "-A "); ok {
					k.rules[f.program] = append(k.rules[f.program], strings.TrimSpace(rule))
				}
			}
			return "", nil
		})
	}
	return k
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	k := newKernel()
	var out bytes.Buffer
	o := Options{Run: k, Out: &out, Web: limits}
	if err := Ensure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !InForce(t.Context(), k, limits) {
		t.Error("the rules are not in force")
	}
	if InForce(t.Context(), k, contract.Web{Connections: 21, ConnectionsPerAddress: 5}) {
		t.Error("other limits are in force")
	}
	if want := "web ports: at most 5 connections from one address, 20 in total\n"; out.String() != want {
		t.Errorf("said %q", out.String())
	}
	for program, want := range map[string][]string{
		"iptables":  {"--connlimit-mask 0 --connlimit-above 20", "--source 10.97.1.0/24", "--connlimit-mask 32 --connlimit-above 5"},
		"ip6tables": {"--connlimit-mask 0 --connlimit-above 20", "--source 2001:db8::/32", "--connlimit-mask 64 --connlimit-above 5"},
	} {
		rules := k.rules[program]
		if len(rules) != 6 {
			t.Fatalf("%s: got %q", program, rules)
		}
		for i, part := range want {
			if !strings.Contains(rules[i+1], part) {
				t.Errorf("%s: got %q, want %s", program, rules[i+1], part)
			}
		}
	}
	// The same again changes nothing, or connections would be counted from zero.
	out.Reset()
	before := len(k.Calls())
	if err := Ensure(t.Context(), o); err != nil || out.Len() > 0 {
		t.Errorf("again: said %q, %v", out.String(), err)
	}
	for _, call := range k.Calls()[before:] {
		if !strings.Contains(call.Line(), "--check") {
			t.Errorf("again: ran %s", call.Line())
		}
	}
	// Other limits replace the rules, and the jumps stay.
	o.Web.ConnectionsPerAddress = 7
	if err := Ensure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := k.rules["iptables"]; len(got) != 6 || !slices.ContainsFunc(got, func(rule string) bool {
		return strings.Contains(rule, "--connlimit-above 7")
	}) {
		t.Errorf("got %q", got)
	}
	// A bundle without limits lifts them.
	o.Web = contract.Web{}
	if err := Ensure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(k.rules["iptables"], "\n"); strings.Contains(got, "connlimit") {
		t.Errorf("got %s", got)
	}
}

func TestEnsureIsResumed(t *testing.T) {
	t.Parallel()
	k := newKernel()
	o := Options{Run: k, Out: &bytes.Buffer{}, Web: limits}
	k.fail = "--append"
	if err := Ensure(t.Context(), o); err == nil || !strings.Contains(err.Error(), "limit connections: iptables") {
		t.Errorf("got error %v", err)
	}
	k.fail = ""
	if err := Ensure(t.Context(), o); err != nil || len(k.rules["iptables"]) != 6 || len(k.rules["ip6tables"]) != 6 {
		t.Errorf("got %q, %v", k.rules, err)
	}
}

func TestEnsureWithoutIptables(t *testing.T) {
	t.Parallel()
	err := Ensure(t.Context(), Options{Run: &commandtest.Runner{}, Out: &bytes.Buffer{}, Web: limits})
	if err == nil || errors.Unwrap(err) == nil {
		t.Errorf("got error %v", err)
	}
}
