package hosts

import (
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"webstack/e2e/lab"
)

// elsewhere are commands of the documentation that are not run here, each with the reason.
var elsewhere = []struct {
	command *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`^make test$`), "it runs this test"},
	{regexp.MustCompile(`^make (up|down)$`), "each test of this package brings a stack up; e2e/engine takes them down"},
	{regexp.MustCompile(`webstack shell( -s dev)?$`), "it needs a terminal, which e2e/session gives it"},
	{regexp.MustCompile(`start-session|^make \.webstack/bin/session-manager-plugin$`), "e2e/session runs it in a terminal"},
	{regexp.MustCompile(`^docker (push|buildx)|^repository=|docker login`),
		"the laptop cloud's registry has another address; e2e/registry logs in, pushes and pulls"},
	{regexp.MustCompile(`^pulumi (destroy|state unprotect)|^aws rds modify-db-instance`), "e2e/engine destroys stacks"},
	{regexp.MustCompile(`webstack (deploy|rollback|exec) |send-command --document-name webstack-dev-deploy`), "e2e/deploys deploys, and runs commands"},
	{regexp.MustCompile(`send-command --document-name webstack-dev-backup`), "e2e/backups backs up"},
	{regexp.MustCompile(`webstack restore |send-command --document-name webstack-dev-restore`), "e2e/backups restores"},
	{regexp.MustCompile(`^aws s3 sync "s3://\$old`), "e2e/backups copies backups to the bucket of a new stack"},
	{regexp.MustCompile(`^docker (run|exec) .*\blook\b`), "the image is Docker Hub's; e2e/backups restores on the host"},
	{regexp.MustCompile(`…`), "it leaves a value for the reader to fill in"},
	{regexp.MustCompile(`^aws ssm put-parameter`), "registry and release are tested together in e2e/hosts and e2e/images"},
	{regexp.MustCompile(`^pg_dump`), "it asks the server that the app leaves"},
	{regexp.MustCompile(`^curl --resolve|^address=`), "appsAnswer asks the host's address by every app's name"},
}

// onThisStack replaces the examples' stack and names with those of the laptop cloud, and answers prompts.
var onThisStack = strings.NewReplacer(
	"-s dev", "-s "+lab.Stack, "/webstack/dev/", "/webstack/"+lab.Stack+"/", "webstack-dev-", "webstack-"+lab.Stack+"-",
	"shop.example.com", "store.localhost", "apps add shop", "apps add store --yes", "appEnvSecure.shop.", "appEnvSecure.store.",
	"example.com", "localhost", "pulumi up", "pulumi up --yes --skip-preview", " logs shop -f", " logs shop",
	"apps add wiki", "apps add wiki --yes", "apps remove wiki", "apps remove wiki --yes", `DROP DATABASE "wiki"`,
	`DROP DATABASE IF EXISTS "wiki"`, `DROP ROLE "wiki"`, `DROP ROLE IF EXISTS "wiki"`,
	"pulumi config set --secret", "echo not-a-secret-0123456789 | pulumi config set --secret",
	// The host knows AWS by another address than this computer.
	"aws s3 presign", "aws --endpoint-url http://169.254.170.1 s3 presign",
	"curl --cacert", "curl -fsS --connect-to shop.localhost:443:$ADDRESS:443 --cacert",
)

// documentation runs the shell examples of README and docs, block by block, as a reader would who copies them.
func documentation(t *testing.T, c *lab.Clone) {
	_, address := c.Host()
	prelude := "set -euo pipefail\n. ./.webstack/local.env\nPATH=$PWD/.webstack/bin:$PATH\nADDRESS=" + address +
		"\nexport PULUMI_STACK=" + lab.Stack + "\n"
	prelude += "export AWS_CONFIG_FILE=" + imported(t, c) + "\n"
	used := map[string]bool{}
	stackFile := c.Read("Pulumi.local.yaml")
	blocks := lab.Documented(t)
	for i, block := range blocks {
		script := ""
		for _, command := range block.Commands {
			if reason := leftOut(command); reason != "" {
				used[reason] = true
				continue
			}
			if program, _, _ := strings.Cut(command, " "); program == "dig" && !installed(program) {
				t.Logf("%s is not installed, so this is left out: %s", program, command)
				continue
			}
			script += onThisStack.Replace(command) + "\n"
		}
		if out, err := c.Run(nil, "bash", "-c", prelude+script); script != "" && err != nil {
			t.Errorf("%s: %v\n%s\n%s", block.File, err, script, out)
		}
		pageEnds := i+1 == len(blocks) || blocks[i+1].File != block.File
		if pageEnds && c.Read("Pulumi.local.yaml") != stackFile {
			c.Edit("Pulumi.local.yaml", func(string) string { return stackFile })
			c.MustLaptop("up")
		}
	}
	c.MustConverge() // some pages start a run, which must not overlap with the next part
	for _, other := range elsewhere {
		if !used[other.reason] {
			t.Errorf("no page has a command like %s anymore; remove it from the list", other.command)
		}
	}
}

// imported makes the dump that the documentation imports, and a config that has version 1 of the AWS CLI sign links as
// version 2 does.
func imported(t *testing.T, c *lab.Clone) (awsConfig string) {
	t.Helper()
	dump, err := base64.StdEncoding.DecodeString(c.OnHost(`docker exec postgres sh -ec '
createdb -U postgres leaving
psql -q -U postgres -d leaving -c "CREATE TABLE brought (id int PRIMARY KEY)" >/dev/null
pg_dump -U postgres --format=custom leaving
dropdb -U postgres leaving' | base64 --wrap 0`))
	if err != nil {
		t.Fatal(err)
	}
	awsConfig = filepath.Join(t.TempDir(), "config")
	err = errors.Join(os.WriteFile(filepath.Join(c.Dir, "shop.dump"), dump, 0o600),
		os.WriteFile(awsConfig, []byte("[default]\ns3 =\n  signature_version = s3v4\n  addressing_style = path\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return awsConfig
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// leftOut returns the reason why a command is not run here, "" if it is.
func leftOut(command string) string {
	for _, other := range elsewhere {
		if other.command.MatchString(command) {
			return other.reason
		}
	}
	return ""
}
