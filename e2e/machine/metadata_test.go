package machine

import (
	"testing"

	"webstack/local/machine"
)

// curlImage makes a container image of curl, without a registry.
const curlImage = `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update >/dev/null
apt-get -qq install -y --no-install-recommends docker.io docker-cli >/dev/null || apt-get -qq install -y --no-install-recommends docker.io >/dev/null
tar -chf - /usr/bin/curl $(ldd /usr/bin/curl | grep -o '/[^ ]*') 2>/dev/null | docker import - curl >/dev/null`

const (
	askToken = "curl -s -m 3 -X PUT -H X-aws-ec2-metadata-token-ttl-seconds:60 http://169.254.169.254/latest/api/token"
	askPlain = "curl -s -m 3 -o /dev/null -w %{http_code} http://169.254.169.254/latest/meta-data/instance-id"
	inside   = "docker run --rm curl "
)

func TestHopLimit(t *testing.T) {
	l := open(t)
	ctx := t.Context()
	spec := l.spec()
	id := l.boot(spec)
	l.sh(id, curlImage)
	if got := l.sh(id, askToken); len(got) < 16 {
		t.Errorf("the machine's token is %q", got)
	}
	if exit, out := l.try(id, inside+askToken); exit.Code != 28 || out != "" {
		t.Errorf("a container got %q, exit code %d; want nothing within the time", out, exit.Code)
	}
	if got := l.sh(id, inside+askPlain); got != "401" {
		t.Errorf("a container without token got %s", got)
	}
	if got := l.sh(id, "curl -s -m 10 http://169.254.170.1/api"); got != "gateway /api" {
		t.Errorf("the AWS endpoint answers the machine %q", got)
	}
	for _, port := range []string{"80", "443"} {
		if exit, out := l.try(id, inside+"curl -s -m 3 http://169.254.170.1:"+port); exit.Code != 28 || out != "" {
			t.Errorf("port %s of the AWS endpoint: a container got %q, exit code %d; want nothing within the time",
				port, out, exit.Code)
		}
	}
	set := func(options machine.MetadataOptions) {
		t.Helper()
		if err := l.SetMetadata(ctx, id, options); err != nil {
			t.Fatal(err)
		}
	}
	set(machine.MetadataOptions{Enabled: true, TokenRequired: true, HopLimit: 2})
	if got := l.sh(id, inside+askToken); len(got) < 16 {
		t.Errorf("with a hop limit of 2 a container's token is %q", got)
	}
	set(machine.MetadataOptions{Enabled: true, HopLimit: 1})
	if got := l.sh(id, askPlain); got != "200" {
		t.Errorf("without tokens required: %s", got)
	}
	set(machine.MetadataOptions{})
	if got := l.sh(id, askPlain); got != "403" {
		t.Errorf("turned off: %s", got)
	}
	// Docker is back after a reboot, and so are its files.
	set(spec.Metadata)
	if err := l.Reboot(ctx, id); err != nil {
		t.Fatal(err)
	}
	l.await(id)
	l.eventually("Docker is back", func() bool {
		exit, _ := l.try(id, "docker image inspect curl")
		return exit.Code == 0
	})
	if err := l.SetRole(ctx, id, ""); err != nil {
		t.Fatal(err)
	}
	token := l.sh(id, askToken)
	if got := l.sh(id, "curl -s -o /dev/null -w %{http_code} -H X-aws-ec2-metadata-token:"+token+
		" http://169.254.169.254/latest/meta-data/iam/security-credentials/"); got != "404" {
		t.Errorf("without a role: %s", got)
	}
}
