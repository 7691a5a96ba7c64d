package hosts

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/contract"
	"webstack/e2e/lab"
)

const (
	shop = "shop.localhost"
	blog = "blog.localhost"
)

// base is the prefix of the names of the stack's parameters.
var base = contract.BasePath("webstack", lab.Stack)

// TestHost tests one host. Its parts only require that the stack is up and healthy before each.
func TestHost(t *testing.T) {
	t.Parallel()
	c := lab.NewHosted(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *lab.Clone)
	}{
		{"apps answer over TLS", appsAnswer},
		{"verify finds everything as it should be", verifyPasses},
		{"a browser shows the page", browserShowsPage},
		{"the operator's commands", shellOpens},
		{"an unchanged host is left alone", unchanged},
		{"an app without a release", withoutRelease},
		{"apps are kept apart", isolation},
		{"every permission of the host is needed", everyStatementIsNeeded},
		{"a workflow deploys", workflowDeploys},
		{"a workflow may do nothing else", workflowIsConfined},
		{"a certificate of one's own", ownCertificate},
		{"an app is added and removed", addAndRemove},
		{"every command in the documentation", documentation},
		{"verify finds what is broken", verifyFinds},
		{"the host heals", heals},
		{"the host is replaced", replaced},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, c.For(t)) }) {
			t.Fatal("the parts that follow would find a broken stack")
		}
	}
}

func appsAnswer(t *testing.T, c *lab.Clone) {
	s := newSite(t, c)
	for _, name := range []string{shop, blog} {
		got := s.get("https://" + name + "/")
		if got.StatusCode != http.StatusOK || !strings.Contains(got.body, "Guestbook") {
			t.Errorf("%s: got %s\n%.500s", name, got.Status, got.body)
		}
	}
	got := s.get("http://" + shop + "/a?b=c")
	if to, err := url.Parse(got.Header.Get("Location")); err != nil || got.StatusCode != http.StatusPermanentRedirect ||
		to.String() != "https://"+shop+"/a?b=c" {
		t.Errorf("http: got %s to %v", got.Status, to)
	}
	got = s.get("https://www." + shop + "/x")
	if to := got.Header.Get("Location"); got.StatusCode != http.StatusPermanentRedirect || to != "https://"+shop+"/x" {
		t.Errorf("alias: got %s to %s", got.Status, to)
	}
	version := s.get("https://" + shop + "/version")
	for _, unknown := range []string{"http://unknown.localhost/version", "https://unknown.localhost/version"} {
		got, err := s.try(t.Context(), &tls.Config{InsecureSkipVerify: true}, unknown)
		if err != nil || got.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s: got %q, %v; want 421", unknown, got.body, err)
		}
	}
	got, err := s.try(t.Context(), &tls.Config{InsecureSkipVerify: true}, "http://"+s.address+"/version")
	if err != nil || got.body != version.body {
		t.Errorf("the bare address: got %q, %v; want the active app's answer %q", got.body, err, version.body)
	}
}

func verifyPasses(t *testing.T, c *lab.Clone) {
	out, err := c.Webstack("verify", "-s", lab.Stack)
	if err != nil {
		t.Errorf("webstack verify: %v\n%s", err, out)
	}
}

// running says which containers run since when, and how often Caddy has loaded a config.
func running(c *lab.Clone) string {
	return c.OnHost("docker ps --no-trunc --format '{{.ID}} {{.Names}} {{.Image}}' | sort\n" +
		"docker inspect --format '{{.Name}} {{.State.StartedAt}} {{.RestartCount}}' $(docker ps -q) | sort\n" +
		"docker logs caddy 2>&1 | grep -c 'load complete\\|\"uri\":\"/load\"' || true")
}

func unchanged(t *testing.T, c *lab.Clone) {
	before := running(c)
	files := "find /opt/webstack /etc/docker /etc/systemd -type f -not -name lock -printf '%p %T@ %i %m\\n' | sort"
	had := c.OnHost(files)
	out := c.MustConverge()
	if after := running(c); after != before {
		t.Errorf("before\n%s\nafter\n%s\n%s", before, after, out)
	}
	if has := c.OnHost(files); has != had {
		t.Errorf("files before\n%s\nafter\n%s", had, has)
	}
}

func withoutRelease(t *testing.T, c *lab.Clone) {
	s := newSite(t, c)
	client := ssm.NewFromConfig(c.AWS())
	_, err := client.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{
		Name: aws.String(contract.AppReleaseParam(base, "blog")),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.MustConverge()
	got := s.get("https://" + blog + "/")
	if got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.body, "not been deployed") {
		t.Errorf("got %s\n%s", got.Status, got.body)
	}
	if err := s.answers(t.Context(), shop); err != nil {
		t.Errorf("the other app: %v", err)
	}
	c.MustLaptop("up")
	if err := s.answers(t.Context(), blog); err != nil {
		t.Errorf("with a release again: %v", err)
	}
}

func heals(t *testing.T, c *lab.Clone) {
	s := newSite(t, c)
	both := func(ctx context.Context) error { return errors.Join(s.answers(ctx, shop), s.answers(ctx, blog)) }
	for _, harm := range []struct{ name, script string }{
		{"a killed program", "kill -9 $(docker inspect --format '{{.State.Pid}}' $(docker ps -qf name=webstack-shop-))"},
		{"a removed container", "docker rm -f $(docker ps -qf name=webstack-shop-)"},
		{"a removed proxy", "docker rm -f caddy"},
		{"a deleted compose file", "rm /opt/webstack/compose/docker-compose.yml && docker rm -f $(docker ps -qf name=webstack-blog-)"},
		{"deleted state of Caddy", "rm /opt/webstack/caddy/hosts /opt/webstack/caddy/sites/*"},
		{"a stopped engine", "systemctl stop docker docker.socket && docker ps && exit 1 || true"},
	} {
		t.Run(harm.name, func(t *testing.T) {
			c := c.For(t)
			c.OnHost(harm.script)
			c.MustConverge()
			c.Eventually("answer again", both)
		})
	}
	t.Run("a reboot", func(t *testing.T) {
		c := c.For(t)
		id, _ := c.Host()
		boot := c.OnHost("stat -c %Y /proc/1")
		// A program that ignores SIGTERM. Docker leaves containers running when it ends, so something else must stop it.
		c.OnHost(`docker run --detach --name webstack-stubborn-1 --stop-timeout 2 --label com.docker.compose.project=webstack \
			--label com.docker.compose.service=stubborn --label com.docker.compose.oneoff=False --entrypoint bash \
			"$(docker inspect --format '{{.Config.Image}}' postgres)" -c 'trap "" TERM; while :; do sleep 1; done'`)
		_, err := ec2.NewFromConfig(c.AWS()).RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		c.Eventually("boot again", func(context.Context) error {
			if c.OnHost("stat -c %Y /proc/1") == boot {
				return errors.New("it has not been rebooted")
			}
			return nil
		})
		c.Eventually("answer after the reboot", both)
		up := c.OnHost("stat -c %Y /proc/1")
		ended := c.OnHost(`date +%s --date "$(docker inspect --format '{{.State.FinishedAt}}' webstack-stubborn-1)"; docker rm webstack-stubborn-1`)
		if ended, _, _ := strings.Cut(ended, "\n"); ended >= strings.TrimSpace(up) {
			t.Errorf("a container that ignores SIGTERM ended at %s, by the boot at %s and not by its grace period", ended, up)
		}
		c.Eventually("connections are bounded after the reboot", func(context.Context) error {
			if out, err := c.WebstackStdout("status", "-s", lab.Stack, "--json"); err != nil || !strings.Contains(out, `"webGuarded": true`) {
				return errors.Join(err, errors.New(out))
			}
			return nil
		})
	})
}
