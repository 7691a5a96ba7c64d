package naming

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		limit int
		parts []string
		want  string
	}{
		{"short", 20, []string{"web", "dev", "host"}, "web-dev-host"},
		{"exactly the limit", 12, []string{"web", "dev", "host"}, "web-dev-host"},
		{"cut", 20, []string{"webstack", "production", "host"}, "webstack-pr-"},
		{"cut at a dash", 18, []string{"webstack", "production"}, "webstack-"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := Name(test.limit, test.parts...)
			if got != test.want && (!strings.HasSuffix(test.want, "-") || !strings.HasPrefix(got, test.want)) {
				t.Errorf("Name = %q, want %q", got, test.want)
			}
			if len(got) > test.limit || strings.Contains(got, "--") {
				t.Errorf("Name = %q is not within %d characters, or has two dashes in a row", got, test.limit)
			}
		})
	}
}

func FuzzName(f *testing.F) {
	f.Add("webstack", "dev", "webstack", "dex", 20)
	f.Add("a-long-project-name-of-somebody", "production", "a-long-project-name-of-somebody", "productive", 24)
	f.Fuzz(func(t *testing.T, p1, s1, p2, s2 string, limit int) {
		if limit < 10 || limit > 1000 {
			return
		}
		one, two := Name(limit, p1, s1), Name(limit, p2, s2)
		if len(one) > limit {
			t.Errorf("Name(%d, %q, %q) = %q is too long", limit, p1, s1, one)
		}
		if one == two && p1+"-"+s1 != p2+"-"+s2 {
			t.Errorf("%q and %q get the same name %q", p1+"-"+s1, p2+"-"+s2, one)
		}
	})
}
