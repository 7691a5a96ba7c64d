package deploys

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"webstack/contract"
	"webstack/e2e/lab"
	"webstack/internal/gobuild"
	"webstack/internal/operate"
)

const (
	shop = "shop.localhost"
	blog = "blog.localhost"
)

// world is a stack whose apps shop and blog run the test's app.
type world struct {
	testing.TB
	c                 *lab.Clone
	dir, registry     string
	address           string
	roots             *x509.CertPool
	env               []string
	program, platform string
}

// newWorld brings up the stack; edit, if not nil, changes the sample's stack file further.
func newWorld(t testing.TB, edit func(text string) string) *world {
	t.Helper()
	c := lab.NewHostedWith(t, func(text string) string {
		if edit != nil {
			text = edit(text)
		}
		return strings.ReplaceAll(text, "      containerPort: 8080\n", "      containerPort: 8080\n      healthPath: /health\n"+
			"      startTimeoutSeconds: 5\n      drainTimeoutSeconds: 25\n      memoryMb: 64\n")
	})
	endpoint, err := url.Parse(c.Env()["AWS_ENDPOINT_URL"])
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, c: c, dir: t.TempDir(), registry: endpoint.Host, roots: x509.NewCertPool()}
	_, w.address = c.Host()
	if !w.roots.AppendCertsFromPEM(c.CA()) {
		t.Fatal("the authority's certificate cannot be read")
	}
	w.platform = strings.TrimSpace(w.docker("version", "--format", "{{.Server.Arch}}"))
	if w.program, err = gobuild.Program(t.Context(), lab.ProjectRoot(t), "e2e", "./deploys/app", w.platform); err != nil {
		t.Fatal(err)
	}
	w.login()
	w.push("shop", "v1", "")
	w.push("blog", "v1", "")
	w.deploys("shop", "v1")
	w.deploys("blog", "v1")
	return w
}

// part returns the world for a part of a test.
func (w *world) part(t *testing.T) *world {
	copied := *w
	copied.TB, copied.c = t, w.c.For(t)
	return &copied
}

func (w *world) docker(args ...string) string {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), "docker", args...)
	cmd.Env = append(os.Environ(), w.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("docker %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// login logs Docker in to the registry, with a configuration of the test's own.
func (w *world) login() {
	w.Helper()
	out, err := ecr.NewFromConfig(w.c.AWS()).GetAuthorizationToken(w.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		w.Fatal(err)
	}
	config := map[string]any{"auths": map[string]any{
		w.registry: map[string]string{"auth": aws.ToString(out.AuthorizationData[0].AuthorizationToken)},
	}}
	text, err := json.Marshal(config)
	if err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "config.json"), text, 0o600); err != nil {
		w.Fatal(err)
	}
	w.env = []string{"DOCKER_CONFIG=" + w.dir}
}

// push pushes an image of an app; mode says how it behaves, "" = well.
func (w *world) push(app, tag, mode string) {
	w.Helper()
	content, err := os.ReadFile(w.program)
	if err != nil {
		w.Fatal(err)
	}
	w.pushProgram(app, tag, mode, "linux/"+w.platform, content)
}

// pushProgram is push for an image of a platform with another program.
func (w *world) pushProgram(app, tag, mode, platform string, program []byte) {
	w.Helper()
	dir := filepath.Join(w.dir, app+"-"+tag)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.Fatal(err)
	}
	recipe := fmt.Sprintf("FROM scratch\nCOPY app /app\nENV APP=%s VERSION=%s MODE=%s\nENTRYPOINT [\"/app\"]\n", app, tag, mode)
	err := os.WriteFile(filepath.Join(dir, "app"), program, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(recipe), 0o600)
	}
	if err != nil {
		w.Fatal(err)
	}
	image := w.registry + "/webstack-local/" + app + ":" + tag
	w.docker("build", "--quiet", "--platform", platform, "--tag", image, dir)
	defer func() { _ = exec.Command("docker", "image", "rm", "--force", image).Run() }()
	w.docker("push", "--quiet", image)
	_ = os.RemoveAll(dir)
}

// webstack runs the operator's command on the stack.
func (w *world) webstack(args ...string) (string, error) {
	return w.c.Webstack(append([]string{"-s", lab.Stack}, args...)...)
}

// deploys deploys a release, which must succeed.
func (w *world) deploys(app, release string) string {
	w.Helper()
	out, err := w.webstack("deploy", app, release)
	if err != nil {
		w.Fatalf("deploy %s %s: %v\n%s", app, release, err, out)
	}
	return out
}

// releases returns the recorded deploys of an app.
func (w *world) releases(app string) []operate.Release {
	w.Helper()
	out, err := w.c.WebstackStdout("-s", lab.Stack, "releases", app, "--json")
	var list struct{ Deploys []operate.Release }
	if err == nil {
		err = json.Unmarshal([]byte(out), &list)
	}
	if err != nil {
		w.Fatalf("releases %s: %v\n%s", app, err, out)
	}
	return list.Deploys
}

// status returns the status of an app.
func (w *world) status(app string) contract.AppStatus {
	w.Helper()
	out, err := w.c.WebstackStdout("-s", lab.Stack, "status", "--json")
	var report struct {
		Host contract.Status `json:"host"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &report)
	}
	if err != nil {
		w.Fatalf("status: %v\n%s", err, out)
	}
	for _, s := range report.Host.Apps {
		if s.Name == app {
			return s
		}
	}
	w.Fatalf("the status has no app %s:\n%s", app, out)
	return contract.AppStatus{}
}

// containers returns how many containers an app has, those of commands included.
func (w *world) containers(app string) int {
	w.Helper()
	out := w.c.OnHost("docker ps --all --quiet --filter label=com.docker.compose.service=" + app)
	return len(strings.Fields(out))
}

// client reaches the host under every name. Connections stay open with keep, and HTTP/2 is used with both.
func (w *world) client(keep, http2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	return &http.Client{
		Timeout: 2 * time.Minute,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: w.roots}, DisableKeepAlives: !keep, Protocols: protocols,
			DialContext: lab.DialHost(w.address),
		},
	}
}

// ask makes one request and returns the body of an answer with status 200.
func ask(ctx context.Context, client *http.Client, method, url string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %.100s", url, resp.Status, text)
	}
	return strings.TrimSpace(string(text)), err
}

// answers returns what an app says that it is, such as "shop v1".
func (w *world) answers(domain string) (string, error) {
	text, err := ask(w.Context(), w.client(false, false), http.MethodGet, "https://"+domain+"/", nil)
	identity, _, _ := strings.Cut(text, " 0")
	return identity, err
}

// runs expects an app to answer as a version.
func (w *world) runs(domain, want string) {
	w.Helper()
	if got, err := w.answers(domain); err != nil || got != want {
		w.Errorf("%s answers %q, %v, want %q", domain, got, err, want)
	}
}
