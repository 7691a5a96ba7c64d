package hosts

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/e2e/lab"
)

func isolation(t *testing.T, c *lab.Clone) {
	for name, run := range map[string]func(*testing.T, *lab.Clone){
		"databases": databasesApart, "credentials": noCredentials, "aws": noAWS, "docker": noDocker, "ports": onlyProxyPublished, "memory": hogAlone,
		"connections": floodAlone,
		"secrets":     secretsKept,
	} {
		t.Run(name, func(t *testing.T) { run(t, c.For(t)) })
	}
}

func databasesApart(t *testing.T, c *lab.Clone) {
	// The name of the database's container, unlike localhost, is not trusted without a password.
	const connect = `url="$(sed -n 's/^DATABASE_URL="\(.*\)"$/\1/p' /opt/webstack/env/shop.env)"
export URL="${url/\/shop\?/\/OTHER?}"
docker exec -e URL postgres sh -c 'psql "$URL" -Atc "select current_user"'`
	if got := strings.TrimSpace(c.OnHost(strings.ReplaceAll(connect, "OTHER", "shop"))); got != "shop" {
		t.Errorf("an app in its own database is %q", got)
	}
	for _, other := range []string{"blog", "postgres", "app", "template1"} {
		got := c.TryOnHost(strings.ReplaceAll(connect, "OTHER", other))
		if got.Code == 0 || !strings.Contains(got.Stderr, "permission denied for database") {
			t.Errorf("an app in the database %s: exit %d, %s %s", other, got.Code, got.Stdout, got.Stderr)
		}
	}
}

// askMetadata asks the metadata service for a token, using only bash.
const askMetadata = `exec 3<>/dev/tcp/169.254.169.254/80
printf 'PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' >&3
timeout 5 head -n 1 <&3`

func noCredentials(t *testing.T, c *lab.Clone) {
	if got := c.OnHost(askMetadata); !strings.Contains(got, " 200 ") {
		t.Fatalf("the host itself gets no token: %s", got)
	}
	got := c.TryOnHost("docker run --rm -i --network webstack_edge --entrypoint bash \"$(docker inspect --format '{{.Config.Image}}' postgres)\" <<'EOF'\n" +
		askMetadata + "\nEOF")
	if got.Code == 0 || strings.Contains(got.Stdout, "HTTP") {
		t.Errorf("a container gets a token: exit %d\n%s", got.Code, got.Stdout)
	}
}

// askAWS asks the AWS endpoint for anything, and a registry for a connection.
const askAWS = `for port in 80 443; do
	timeout 3 bash -c "exec 3<>/dev/tcp/169.254.170.1/$port" && echo "port $port is open"
done; true`

// noAWS: an app cannot reach the AWS endpoint of the laptop cloud, which accepts the host's own requests.
func noAWS(t *testing.T, c *lab.Clone) {
	if got := c.OnHost(askAWS); strings.Count(got, "open") != 2 {
		t.Fatalf("the host itself reaches %q", got)
	}
	got := c.OnHost("docker run --rm -i --network webstack_edge --entrypoint bash \"$(docker inspect --format '{{.Config.Image}}' postgres)\" <<'EOF'\n" +
		askAWS + "\nEOF")
	if got != "" {
		t.Errorf("a container reaches the AWS endpoint: %s", got)
	}
}

// noDocker: an app can reach neither Docker's socket nor a service of Docker.
func noDocker(t *testing.T, c *lab.Clone) {
	got := c.OnHost(`docker inspect --format '{{.Name}} {{range .Mounts}}{{.Source}} {{end}}' $(docker ps -q) | grep docker.sock || true
ss -ltnH '( sport = :2375 or sport = :2376 )'`)
	if got != "" {
		t.Errorf("Docker can be reached: %s", got)
	}
}

func onlyProxyPublished(t *testing.T, c *lab.Clone) {
	got := c.OnHost(`docker ps --format '{{.Names}} {{.Ports}}' | grep -- '->' | grep -v '^caddy ' || true`)
	if got != "" {
		t.Errorf("these publish ports, too: %s", got)
	}
	ports := strings.Fields(c.OnHost(`docker port caddy | sed 's/ .*//' | sort -u`))
	if strings.Join(ports, " ") != "443/tcp 443/udp 80/tcp" {
		t.Errorf("the proxy publishes %v", ports)
	}
	modes := strings.TrimSpace(c.OnHost(`stat -c '%a %U %n' /opt/webstack/env/* | grep -v '^600 root ' || true`))
	if modes != "" {
		t.Errorf("not only root may read: %s", modes)
	}
}

func hogAlone(t *testing.T, c *lab.Clone) {
	others := `docker inspect --format '{{.Name}} {{.State.StartedAt}} {{.RestartCount}}' $(docker ps -q) | grep -v webstack-shop- | sort`
	before := c.OnHost(others)
	// What an app's own program would do: a process in its control group takes memory until it is stopped.
	got := c.TryOnHost(`pid="$(docker inspect --format '{{.State.Pid}}' "$(docker ps -qf name=webstack-shop-)")"
group="$(awk -F: '$2 == "memory" || $1 == "0" && $2 == "" { print $3; exit }' "/proc/$pid/cgroup")"
folder="/sys/fs/cgroup/memory$group"
[[ -d "$folder" ]] || folder="/sys/fs/cgroup$group"
bash -c 'echo $BASHPID >"$0/cgroup.procs"; exec tail /dev/zero' "$folder" && exit 1 || exit "$?"`)
	if got.Code != 137 {
		t.Errorf("the hog ended with %d: %s %s", got.Code, got.Stdout, got.Stderr)
	}
	if after := c.OnHost(others); after != before {
		t.Errorf("others suffered: before\n%s\nafter\n%s", before, after)
	}
	s := newSite(t, c)
	for _, name := range []string{shop, blog} {
		if err := s.answers(t.Context(), name); err != nil {
			c.MustConverge() // the hog may take the app's program with it
			if err := s.answers(t.Context(), name); err != nil {
				t.Error(err)
			}
		}
	}
	// Docker forgets it at the next start of the container; the kernel's log does not.
	c.OnHost("docker restart $(docker ps -qf name=webstack-shop-)")
	c.Eventually("the app answers again", func(ctx context.Context) error { return s.answers(ctx, shop) })
	if out := c.MustWebstack("status", "-s", lab.Stack); !regexp.MustCompile(`(?m)^shop .*killed for its memory limit`).MatchString(out) {
		t.Errorf("status does not say that the app ran out of memory:\n%s", out)
	}
}

// flood opens 320 connections to Postgres from an app's network and sends nothing, again and again, for four minutes at most.
const flood = `pid="$(docker inspect --format '{{.State.Pid}}' "$(docker ps -qf name=webstack-shop-)")"
ip="$(docker inspect --format '{{.NetworkSettings.Networks.webstack_db.IPAddress}}' postgres)"
systemd-run --quiet --collect --unit webstack-flood --property RuntimeMaxSec=240 nsenter --target "$pid" --net bash -c '
for i in $(seq 320); do
	(while :; do exec 3<>"/dev/tcp/$0/5432" && read -r -t 30 -u 3; exec 3>&-; done) &
done
wait' "$ip"`

// floodAlone: while an app floods Postgres, the others work, and so does everything with which an operator finds out.
func floodAlone(t *testing.T, c *lab.Clone) {
	c.OnHost(flood)
	stop := "systemctl stop webstack-flood"
	defer c.TryOnHost(stop)
	c.Eventually("status names the app that floods", func(context.Context) error {
		out, err := c.Webstack("status", "-s", lab.Stack)
		if err != nil || !regexp.MustCompile(`(?m)^shop .*\(\+ \d+ silent\)`).MatchString(out) || !strings.Contains(out, " in use by the apps") {
			return errors.Join(err, errors.New(out))
		}
		return nil
	})
	c.MustConverge()
	for check := range failing(t, c) {
		if check != "postgres.apps" {
			t.Errorf("%s fails while an app floods Postgres", check)
		}
	}
	if out, _ := c.Webstack("verify", "-s", lab.Stack); !regexp.MustCompile(`(?:WARN|FAIL) .*the app: shop .*silent`).MatchString(out) ||
		!regexp.MustCompile(`ok .*the app: blog`).MatchString(out) {
		t.Errorf("verify does not say who floods:\n%s", out)
	}
	if got := newSite(t, c).get("https://" + blog + "/"); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "Guestbook") {
		t.Errorf("the other app: %s\n%.500s", got.Status, got.body)
	}
	c.OnHost(stop)
	c.Eventually("the connections are closed", func(context.Context) error {
		if out, err := c.Webstack("status", "-s", lab.Stack); err != nil || strings.Contains(out, "silent") {
			return errors.Join(err, errors.New(out))
		}
		return nil
	})
}

// secretsKept looks for every secret of the stack in every place where there must be none.
func secretsKept(t *testing.T, c *lab.Clone) {
	secrets := stackSecrets(t, c)
	found := places(t, c) // before the apps' environments come out as a command's output
	others := map[string]func(name string) bool{
		"shop": func(name string) bool { return !strings.Contains(name, "/shop/") },
		"blog": func(name string) bool { return !strings.Contains(name, "/blog/") },
	}
	for app, other := range others {
		environments := c.OnHost(`for id in $(docker ps -q --filter label=com.docker.compose.service=` + app + `); do
			for p in $(docker top "$id" -eo pid | tail -n +2); do tr '\0' '\n' < /proc/"$p"/environ; done
		done`)
		if !strings.Contains(environments, "DATABASE_URL=") {
			t.Errorf("app %s has no environment:\n%s", app, environments)
		}
		for name, value := range secrets {
			if other(name) && strings.Contains(environments, value) {
				t.Errorf("a process of app %s has the secret %s", app, name)
			}
		}
	}
	if len(secrets) < 6 { // two tokens, a session key, Postgres' password and one for each app
		t.Fatalf("the stack has %d secrets only", len(secrets))
	}
	for place, text := range found {
		if len(text) == 0 {
			t.Errorf("%s: there is nothing to check", place)
		}
		for name, value := range secrets {
			if bytes.Contains(text, []byte(value)) {
				t.Errorf("%s: holds the secret %s", place, name)
			}
		}
	}
}

func stackSecrets(t *testing.T, c *lab.Clone) map[string]string {
	t.Helper()
	out := map[string]string{}
	pages := ssm.NewGetParametersByPathPaginator(ssm.NewFromConfig(c.AWS()), &ssm.GetParametersByPathInput{
		Path: aws.String(base), Recursive: aws.Bool(true), WithDecryption: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, parameter := range page.Parameters {
			if parameter.Type == ssmtypes.ParameterTypeSecureString {
				out[aws.ToString(parameter.Name)] = aws.ToString(parameter.Value)
			}
		}
	}
	token := strings.TrimSpace(c.Must(c.Pulumi("config", "get", "cloudflare:apiToken", "-s", lab.Stack)))
	out["cloudflare:apiToken"], out["the laptop cloud's Cloudflare token"] = token, c.Env()["CLOUDFLARE_API_TOKEN"]
	for name, value := range out {
		if len(value) < 8 {
			t.Fatalf("the secret %s is too short to look for", name)
		}
	}
	return out
}

// events returns what Pulumi shows and logs of a run.
func events(t *testing.T, c *lab.Clone) []byte {
	t.Helper()
	log := filepath.Join(t.TempDir(), "events.json")
	const preview = `. ./.webstack/local.env
exec pulumi preview -s "$1" --diff --show-sames --event-log "$2" --non-interactive`
	shown := c.Must(c.Run([]string{"PULUMI_DEBUG_COMMANDS=true"}, "sh", "-c", preview, "sh", lab.Stack, log))
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return append(text, shown...)
}

// places returns the texts that must not contain a secret.
func places(t *testing.T, c *lab.Clone) map[string][]byte {
	t.Helper()
	out := map[string][]byte{
		// An app's own environment contains its own secrets, so each secret's owner is left out.
		"docker inspect of caddy":     []byte(c.OnHost("docker inspect caddy")),
		"docker inspect of postgres":  []byte(c.OnHost("docker inspect postgres")),
		"the containers' logs":        []byte(c.OnHost("for id in $(docker ps -qa); do docker logs \"$id\" 2>&1; done")),
		"the journal":                 []byte(c.OnHost("journalctl --no-pager -o cat | tail -c 20000")),
		"the processes' arguments":    []byte(c.OnHost("ps -eo args")),
		"the agent's files":           []byte(c.OnHost("find /var/lib/amazon/ssm -type f -exec cat {} + | tail -c 20000")),
		"the bundle on the host":      []byte(c.OnHost("cat /opt/webstack/compose/docker-compose.yml /opt/webstack/caddy/Caddyfile /opt/webstack/bundle/manifest.json")),
		"the laptop cloud's logs":     []byte(c.Read(".webstack/run/cloud.log") + c.Read(".webstack/run/aws.log")),
		"the documents":               documents(t, c),
		"the outputs of all commands": outputs(t, c),
		"the objects in the bucket":   objects(t, c),
		"Pulumi's state and history":  state(t, c),
		"Pulumi's events":             events(t, c),
		"the environments of processes outside of containers": []byte(c.OnHost(`own=$(readlink /proc/1/ns/pid)
		for p in /proc/[0-9]*; do
			[[ $(readlink "$p/ns/pid") != "$own" ]] || tr '\0' '\n' < "$p/environ" 2>/dev/null || true
		done`)),
	}
	return out
}

func documents(t *testing.T, c *lab.Clone) []byte {
	t.Helper()
	client := ssm.NewFromConfig(c.AWS())
	list, err := client.ListDocuments(t.Context(), &ssm.ListDocumentsInput{
		Filters: []ssmtypes.DocumentKeyValuesFilter{{Key: aws.String("Owner"), Values: []string{"Self"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, document := range list.DocumentIdentifiers {
		got, err := client.GetDocument(t.Context(), &ssm.GetDocumentInput{Name: document.Name})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, aws.ToString(got.Content)...)
	}
	return all
}

func outputs(t *testing.T, c *lab.Clone) []byte {
	t.Helper()
	var all []byte
	pages := ssm.NewListCommandInvocationsPaginator(ssm.NewFromConfig(c.AWS()), &ssm.ListCommandInvocationsInput{Details: true})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, invocation := range page.CommandInvocations {
			for _, plugin := range invocation.CommandPlugins {
				all = append(all, aws.ToString(plugin.Output)...)
			}
		}
	}
	return all
}

func objects(t *testing.T, c *lab.Clone) []byte {
	t.Helper()
	client := s3.NewFromConfig(c.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	buckets, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, bucket := range buckets.Buckets {
		list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket.Name})
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range list.Contents {
			got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket.Name, Key: object.Key})
			if err != nil {
				t.Fatal(err)
			}
			_, err = all.ReadFrom(got.Body)
			_ = got.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return all.Bytes()
}

var stateFile = regexp.MustCompile(`\.(json|bak)$`)

func state(t *testing.T, c *lab.Clone) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(filepath.Join(c.Dir, ".webstack", "state"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !stateFile.MatchString(path) {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, text...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
