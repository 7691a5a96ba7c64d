package backups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/contract"
	"webstack/e2e/lab"
)

// databases are those of the sample stack.
var databases = []string{"app", "blog", "shop"}

// TestEverythingLost loses first the host and its data volume, and then everything but the backup bucket. Each time the
// commands of docs/operations.md bring back what was backed up.
func TestEverythingLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.psql("blog", rows)
	w.psql("app", rows)
	own := w.giveOwnCertificate()
	if out, err := w.backup(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, releases := w.sums(), w.releases()
	w.psql("shop", "DELETE FROM kept WHERE id > 10")
	for _, lost := range []struct {
		name string
		lose func(*world)
		kept string // a certificate that must be there again
	}{{"the host and its data volume", (*world).loseHost, own}, {"everything but the backup bucket", (*world).loseStack, ""}} {
		ok := t.Run(lost.name, func(t *testing.T) {
			copied := *w
			copied.T, copied.c = t, w.c.For(t)
			begun := time.Now()
			lost.lose(&copied)
			copied.restoresAll(begun, want, releases, lost.kept)
		})
		if !ok {
			return
		}
	}
}

// sums returns the checksum of each database.
func (w *world) sums() map[string]string {
	w.Helper()
	all := map[string]string{}
	for _, database := range databases {
		all[database] = w.sum(database)
	}
	return all
}

// releases returns what each app runs.
func (w *world) releases() string {
	w.Helper()
	var all strings.Builder
	for _, app := range []string{"shop", "blog"} {
		all.WriteString(w.c.OnHost("curl -fksS --resolve " + app + ".localhost:443:127.0.0.1 https://" + app + ".localhost/version"))
	}
	return all.String()
}

// giveOwnCertificate gives the app blog a certificate in Parameter Store, and returns its fingerprint.
func (w *world) giveOwnCertificate() string {
	w.Helper()
	made := w.c.OnHost("cd $(mktemp -d) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 " +
		"-subj /CN=blog.localhost -addext subjectAltName=DNS:blog.localhost -keyout key -out cert 2>/dev/null && cat cert key")
	certificate, key, _ := strings.Cut(made, "-----BEGIN PRIVATE")
	names := contract.AppCertificateParams(contract.BasePath("webstack", lab.Stack), "blog")[0]
	client := ssm.NewFromConfig(w.c.AWS())
	for name, value := range map[string]string{names.Cert: certificate, names.Key: "-----BEGIN PRIVATE" + key} {
		if _, err := client.PutParameter(w.Context(), &ssm.PutParameterInput{
			Name: &name, Value: &value, Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true),
			KeyId: aws.String(contract.SecretsAlias("webstack", lab.Stack)),
		}); err != nil {
			w.Fatal(err)
		}
	}
	w.c.MustConverge()
	return w.fingerprint()
}

// fingerprint is that of the certificate which blog shows.
func (w *world) fingerprint() string {
	w.Helper()
	return w.c.OnHost("openssl s_client -connect 127.0.0.1:443 -servername blog.localhost </dev/null 2>/dev/null | " +
		"openssl x509 -noout -fingerprint -sha256")
}

// terminate terminates the host, and deletes all data volumes.
func (w *world) terminate(hosts ...string) {
	w.Helper()
	client := ec2.NewFromConfig(w.c.AWS())
	if len(hosts) > 0 {
		if _, err := client.TerminateInstances(w.Context(), &ec2.TerminateInstancesInput{InstanceIds: hosts}); err != nil {
			w.Fatal(err)
		}
	}
	w.c.Eventually("the data volume is deleted", func(ctx context.Context) error {
		found, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{
			Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{"webstack:stack"}}},
		})
		if err != nil {
			return err
		}
		for _, volume := range found.Volumes {
			_, failed := client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: volume.VolumeId})
			err = errors.Join(err, failed)
		}
		return err
	})
}

// loseHost deletes the host and the data volume, and brings up new ones.
func (w *world) loseHost() {
	w.Helper()
	id, _ := w.c.Host()
	w.terminate(id)
	begun := time.Now()
	w.c.Must(w.c.Pulumi("up", "-s", lab.Stack, "--yes", "--skip-preview", "--refresh"))
	if now, _ := w.c.Host(); now == id {
		w.Fatal("it is the same host")
	}
	w.Logf("pulumi up took %s", since(begun))
}

// loseStack destroys the stack and the data volume that stays, brings the stack up again, and copies the newest backups to
// its bucket.
func (w *world) loseStack() {
	w.Helper()
	w.c.Must(w.c.Pulumi("state", "unprotect", "-s", lab.Stack, "--all", "--yes"))
	w.c.Must(w.c.Pulumi("destroy", "-s", lab.Stack, "--yes"))
	w.terminate()
	// The key that encrypts the app's own certificate is gone with the stack.
	names := contract.AppCertificateParams(contract.BasePath("webstack", lab.Stack), "blog")[0]
	if _, err := ssm.NewFromConfig(w.c.AWS()).DeleteParameters(w.Context(), &ssm.DeleteParametersInput{
		Names: []string{names.Cert, names.Key},
	}); err != nil {
		w.Fatal(err)
	}
	old, begun := w.bucket, time.Now()
	w.c.MustLaptop("up")
	w.Logf("the stack was up again in %s, with releases", since(begun))
	out := w.c.Must(w.c.WebstackStdout("-s", lab.Stack, "backups", "--json"))
	if strings.Contains(out, old) || strings.Contains(out, `"verified"`) {
		w.Fatalf("webstack lists the backups of another bucket than the new one; the old one is %s\n%s", old, out)
	}
	// aws s3 sync, as docs/operations.md shows it.
	config := filepath.Join(w.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[default]\ns3 =\n  addressing_style = path\n"), 0o600); err != nil {
		w.Fatal(err)
	}
	w.c.Must(w.c.Run([]string{"OLD=" + old, "AWS_CONFIG_FILE=" + config, "PULUMI_STACK=" + lab.Stack}, "bash", "-c",
		"set -euo pipefail; . ./.webstack/local.env\n"+
			`bucket=$(pulumi stack output backup_bucket)`+"\n"+`aws s3 sync "s3://$OLD/postgres/newest" "s3://$bucket/postgres/newest"`))
}

// restoresAll restores all databases, and expects everything as it was. It does not wait for the new host: the command
// does.
func (w *world) restoresAll(lost time.Time, want map[string]string, releases, certificate string) {
	w.Helper()
	begun := time.Now()
	out, err := w.restore("--all", "--confirm", "all")
	if err != nil || !strings.Contains(out, "3 of 3 databases restored") {
		w.Fatalf("%v\n%s", err, out)
	}
	w.Logf("restored all databases in %s:\n%s", since(begun), out)
	w.answers()
	w.Logf("loss to answer: %s", since(lost))
	for database, sum := range w.sums() {
		if sum != want[database] {
			w.Errorf("%s is not what was backed up: it has %s rows", database, w.psql(database, "SELECT count(*) FROM kept"))
		}
	}
	if got := w.releases(); got != releases {
		w.Errorf("the apps run\n%s, and ran\n%s", got, releases)
	}
	if certificate != "" && w.fingerprint() != certificate {
		w.Error("blog has lost its own certificate")
	}
	w.clean()
	w.Log(fmt.Sprint(w.psql("postgres", "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database")))
}

func since(begun time.Time) time.Duration { return time.Since(begun).Round(100 * time.Millisecond) }
