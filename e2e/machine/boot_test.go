package machine

import (
	"strings"
	"testing"
)

func TestBoot(t *testing.T) {
	l := open(t)
	spec := l.spec()
	spec.UserData = []byte("#!/bin/sh\necho $AWS_ENDPOINT_URL >> /root/first\n")
	id := l.boot(spec)
	l.sh(id, "systemctl is-system-running --wait")
	if got := l.sh(id, "cat /root/first"); got != "http://169.254.170.1" {
		t.Errorf("user data wrote %q", got)
	}
	if got := l.sh(id, "curl -s http://169.254.170.1/hello"); got != "gateway /hello" {
		t.Errorf("the AWS endpoint answers %q", got)
	}
	for _, name := range []string{"registry-1.docker.io", "123456789012.dkr.ecr.eu-central-1.amazonaws.com"} {
		if got := l.sh(id, "curl -sS https://"+name+"/v2/"); got != "registry "+name {
			t.Errorf("%s answers %q", name, got)
		}
	}
	token := l.sh(id, "curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token")
	for path, want := range map[string]string{
		"meta-data/instance-id":                    id,
		"meta-data/placement/region":               spec.Region,
		"meta-data/iam/security-credentials/":      "host",
		"meta-data/iam/security-credentials/host/": "ASIA" + id,
	} {
		got := l.sh(id, "curl -sf -H 'X-aws-ec2-metadata-token: "+token+"' http://169.254.169.254/latest/"+path)
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := l.sh(id, "curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/instance-id"); got != "401" {
		t.Errorf("without token: %s", got)
	}
}
