package contract

import (
	"strings"
	"testing"
)

func TestCheckProject(t *testing.T) {
	t.Parallel()
	for _, good := range [][2]string{{"webstack", "dev"}, {"my-shop", "eu.prod"}, {"Shop_2", "1.2"}, {"lawson", "aws"}} {
		if err := CheckProject(good[0], good[1]); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for project, want := range map[string]string{
		"ssm-tools": `begins with "ssm"`, "SSM": `begins with "ssm"`, "awsome": `begins with "aws"`,
		"AmazonShop": `begins with "amazon"`, "amzn": `begins with "amzn"`, "sthree-x": `begins with "sthree"`,
		"9lives": "begin with a letter", "": "begin with a letter", "a b": "begin with a letter",
		strings.Repeat("a", 101): "1 to 100",
	} {
		if err := CheckProject(project, "dev"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", project, err)
		}
	}
	if err := CheckProject("ssm", "a/b"); err == nil || !strings.Contains(err.Error(), `stack "a/b"`) ||
		!strings.Contains(err.Error(), `project "ssm"`) {
		t.Errorf("both: %v", err)
	}
}
