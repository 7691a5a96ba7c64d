package hosts

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/contract"
	"webstack/e2e/lab"
)

// TestExternalPostgres tests a stack whose apps use a Postgres that is not on the host.
func TestExternalPostgres(t *testing.T) {
	t.Parallel()
	c := lab.NewHostedWith(t, func(text string) string {
		return strings.Replace(text, "config:\n", "config:\n  webstack:enableExternalPostgres: true\n", 1)
	})
	for _, part := range []struct {
		name string
		run  func(*testing.T, *lab.Clone)
	}{
		{"no Postgres on the host", noPostgresOnHost},
		{"apps answer over TLS", appsAnswer},
		{"apps write and read", guestbook},
		{"verify finds everything as it should be", verifyPasses},
		{"an unchanged host is left alone", unchanged},
		{"apps are kept apart", externalDatabasesApart},
		{"the database reboots", databaseReboots},
		{"the superuser's password is changed", masterPassword},
		{"nothing is left", nothingLeft},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, c.For(t)) }) {
			t.Fatal("the parts that follow would find a broken stack")
		}
	}
}

func noPostgresOnHost(t *testing.T, c *lab.Clone) {
	if got := c.OnHost("docker ps --all --format '{{.Names}} {{.Image}}'"); strings.Contains(got, "postgres") ||
		!strings.Contains(got, "webstack-shop-") {
		t.Errorf("the host has the containers\n%s", got)
	}
	if got := c.OnHost("cat /opt/webstack/compose/docker-compose.yml"); strings.Contains(got, "postgres") ||
		!strings.Contains(got, "shop:") {
		t.Errorf("the Compose file is\n%s", got)
	}
}

func guestbook(t *testing.T, c *lab.Clone) {
	s := newSite(t, c)
	client := s.client(&tls.Config{RootCAs: s.roots})
	for _, name := range []string{shop, blog} {
		response, err := client.PostForm("https://"+name+"/guestbook", url.Values{
			"name": {"Ada"}, "message": {"written to " + name},
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusSeeOther {
			t.Errorf("write to %s: %s", name, response.Status)
		}
	}
	for name, other := range map[string]string{shop: blog, blog: shop} {
		page := s.get("https://" + name + "/").body
		if !strings.Contains(page, "written to "+name) || strings.Contains(page, "written to "+other) {
			t.Errorf("%s shows\n%s", name, page)
		}
	}
}

func externalDatabasesApart(t *testing.T, c *lab.Clone) {
	// A container on the host, on the apps' own network, with what an app knows.
	const connect = `url="$(sed -n 's/^DATABASE_URL="\(.*\)"$/\1/p' /opt/webstack/env/shop.env)"
export URL="${url/\/shop\?/\/OTHER?}"
docker run --rm --env URL --network webstack_` + contract.EdgeNetwork + ` --entrypoint sh ` + contract.PostgresImage +
		` -c 'psql "$URL" -Atc "select current_user"'`
	if got := strings.TrimSpace(c.OnHost(strings.ReplaceAll(connect, "OTHER", "shop"))); got != "shop" {
		t.Errorf("an app in its own database is %q", got)
	}
	for _, other := range []string{"blog", "postgres", "app", "template1"} {
		got := c.TryOnHost(strings.ReplaceAll(connect, "OTHER", other))
		if got.Code == 0 || !strings.Contains(got.Stderr, "permission denied for database") {
			t.Errorf("an app in the database %s: exit %d, %s %s", other, got.Code, got.Stdout, got.Stderr)
		}
	}
	plain := strings.ReplaceAll(strings.Replace(connect, "docker run", `URL="${URL/require/disable}" docker run`, 1), "OTHER", "shop")
	if got := c.TryOnHost(plain); got.Code == 0 || !strings.Contains(got.Stderr, "no encryption") {
		t.Errorf("an app without TLS: exit %d, %s %s", got.Code, got.Stdout, got.Stderr)
	}
	c.OnHost("docker image rm --force " + contract.PostgresImage)
}

// instance is the stack's RDS instance.
var instance = aws.String(contract.DatabaseIdentifier(contract.NamePrefix("webstack", lab.Stack)))

// untilAvailable waits until RDS has done what was requested.
func untilAvailable(c *lab.Clone, client *rds.Client) {
	c.Eventually("wait for the database", func(ctx context.Context) error {
		out, err := client.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: instance})
		if err != nil {
			return err
		}
		if status := aws.ToString(out.DBInstances[0].DBInstanceStatus); status != "available" {
			return fmt.Errorf("it is %s", status)
		}
		return nil
	})
}

func databaseReboots(t *testing.T, c *lab.Clone) {
	client := rds.NewFromConfig(c.AWS())
	out, err := client.RebootDBInstance(t.Context(), &rds.RebootDBInstanceInput{DBInstanceIdentifier: instance})
	if err != nil {
		t.Fatal(err)
	}
	if status := aws.ToString(out.DBInstance.DBInstanceStatus); status != "rebooting" {
		t.Errorf("the database is %s, not rebooting", status)
	}
	untilAvailable(c, client)
	s := newSite(t, c)
	c.Eventually("see what was written before", func(ctx context.Context) error {
		got, err := s.try(ctx, &tls.Config{RootCAs: s.roots}, "https://"+shop+"/")
		if err == nil && !strings.Contains(got.body, "written to "+shop) {
			err = fmt.Errorf("%s\n%s", got.Status, got.body)
		}
		return err
	})
}

func masterPassword(t *testing.T, c *lab.Clone) {
	client := rds.NewFromConfig(c.AWS())
	set := func(password string) {
		t.Helper()
		_, err := client.ModifyDBInstance(t.Context(), &rds.ModifyDBInstanceInput{
			DBInstanceIdentifier: instance, MasterUserPassword: aws.String(password), ApplyImmediately: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
		untilAvailable(c, client)
	}
	stored, err := ssm.NewFromConfig(c.AWS()).GetParameter(t.Context(), &ssm.GetParameterInput{
		Name: aws.String(contract.PostgresPasswordParam(base)), WithDecryption: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	const other = "canary-other-than-the-stacks"
	set(other)
	if ok, out := c.Converge(); ok || !strings.Contains(out, "connect to Postgres") || strings.Contains(out, other) {
		t.Errorf("with another password: succeeded %v\n%s", ok, out)
	}
	if err := newSite(t, c).answers(t.Context(), shop); err != nil {
		t.Errorf("an app meanwhile: %v", err)
	}
	set(aws.ToString(stored.Parameter.Value))
	c.MustConverge()
	database := strings.TrimSpace(labelled(t, c, "ps", "--quiet", "--filter", "name=-db-"))
	logs := c.Read(".webstack/run/cloud.log") + c.Read(".webstack/run/aws.log") + onLaptop(t, "logs", database) +
		onLaptop(t, "inspect", database)
	for _, secret := range []string{other, aws.ToString(stored.Parameter.Value)} {
		if strings.Contains(logs, secret) {
			t.Errorf("the password %.6s… is in a log or in the container's settings", secret)
		}
	}
}

func nothingLeft(t *testing.T, c *lab.Clone) {
	label := cloudLabel(t, c)
	list := func() (containers, volumes string) {
		return onLaptop(t, "ps", "--all", "--format", "{{.Names}}", "--filter", label),
			onLaptop(t, "volume", "ls", "--quiet", "--filter", label)
	}
	containers, volumes := list()
	if !strings.Contains(containers, "-db-") || !strings.Contains(volumes, "-db-") {
		t.Errorf("before the end there are\n%s\nand\n%s", containers, volumes)
	}
	c.MustLaptop("down", "--force")
	if containers, volumes := list(); containers+volumes != "" {
		t.Errorf("these are left:\n%s\nand\n%s", containers, volumes)
	}
}

// onLaptop runs the docker command of the computer that the laptop cloud runs on.
func onLaptop(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// cloudLabel returns a filter for what belongs to the clone's laptop cloud.
func cloudLabel(t *testing.T, c *lab.Clone) string {
	t.Helper()
	id, _ := c.Host()
	found := onLaptop(t, "ps", "--filter", "name="+id, "--format", `{{.Label "webstack.cloud"}}`)
	return "label=webstack.cloud=" + strings.TrimSpace(found)
}

// labelled is onLaptop for a list of the clone's own.
func labelled(t *testing.T, c *lab.Clone, args ...string) string {
	t.Helper()
	return onLaptop(t, append(args, "--filter", cloudLabel(t, c))...)
}
