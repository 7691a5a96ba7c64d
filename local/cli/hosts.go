package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/internal/atomicfile"
	"webstack/internal/laptop"
	"webstack/internal/operate"
	"webstack/local/cloud"
	"webstack/local/gateway"
	"webstack/local/images"
	"webstack/local/machine"
	"webstack/local/samples"
)

// acmeInternal is the config's word for certificates from Caddy's own authority.
const acmeInternal = "internal"

// makeHub makes the images that replace Docker Hub's, or finds the ones made before.
func (l *local) makeHub(ctx context.Context) ([]images.HubImage, error) {
	arch, err := images.Architecture(ctx)
	if err != nil {
		return nil, err
	}
	base := func(ctx context.Context) (string, error) { return machine.Image(ctx, l.progress.Step) }
	return images.Hub(ctx, l.dir, arch, base, l.progress.Step)
}

// fillHub provides the images that hosts take from Docker Hub, if that cannot be reached. It runs before the stack: a
// host pulls its images as soon as it has Docker.
func (l *local) fillHub(ctx context.Context, info cloud.Info) error {
	if info.NoHosts != "" || !info.Hub {
		return nil
	}
	all, err := l.makeHub(ctx)
	if err != nil {
		return err
	}
	defer l.progress.Step("Providing images of Caddy and Postgres to hosts, because Docker Hub cannot be reached")()
	for _, image := range all {
		_, err := images.Push(ctx, image.Image, awsAddress(info), image.Repository, image.Tag, gateway.HubUser, info.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

// awsAddress is "address:port" of the AWS endpoint, where the registries answer too.
func awsAddress(info cloud.Info) string { return strings.TrimPrefix(info.AWSEndpoint(), "http://") }

// bringUpApps makes every app answer: those without a release get the demo app.
func (l *local) bringUpApps(
	ctx context.Context, info cloud.Info, outputs auto.OutputMap, changes map[apitype.OpType]int,
) error {
	if info.NoHosts != "" {
		return nil
	}
	s, err := operate.Open(ctx, operate.OnLaptop(string(l.dir), info.Endpoints()))
	if err != nil {
		return err
	}
	if err := l.converge(ctx, s, anyChange(changes)); err != nil {
		return err
	}
	if err := l.releaseDemo(ctx, s, info, texts(outputs["ecr_repository_urls"])); err != nil {
		return err
	}
	return l.waitForApps(ctx, s, info)
}

// anyChange reports whether a run changed something.
func anyChange(changes map[apitype.OpType]int) bool {
	for op := range opWords {
		if changes[op] > 0 {
			return true
		}
	}
	return false
}

// releaseDemo deploys the demo app as each app without a release.
func (l *local) releaseDemo(
	ctx context.Context, s *operate.Stack, info cloud.Info, repositories map[string]string,
) error {
	apps, err := samples.Unreleased(ctx, s)
	if err != nil || len(apps) == 0 {
		return err
	}
	defer l.progress.Step("Releasing the demo app as " + listed(apps))()
	arch, err := images.Architecture(ctx)
	if err != nil {
		return err
	}
	image, tag, err := images.Demo(ctx, l.dir, arch)
	if err != nil {
		return err
	}
	return samples.Release(ctx, s, apps, repositories, awsAddress(info), image, tag,
		func(ctx context.Context, app, tag string) error { return samples.Deploy(ctx, s, app, tag) })
}

// listed names a few of many.
func listed(names []string) string {
	const shown = 3
	if len(names) > shown+1 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}

func (l *local) converge(ctx context.Context, s *operate.Stack, changed bool) error {
	defer l.progress.Step("Waiting for the host to apply the stack (about a minute the first time: it installs Docker)")()
	err := samples.Converge(ctx, s, changed, func(line string) { l.progress.Say("  %s", line) })
	if err != nil {
		return fmt.Errorf("%w\n\nto look at the host, run webstack shell -s %s; the laptop cloud's log is %s",
			err, laptop.Stack, l.dir.CloudLog())
	}
	return nil
}

// waitForApps waits until each app answers at the host's public address, as a visitor would see it.
func (l *local) waitForApps(ctx context.Context, s *operate.Stack, info cloud.Info) error {
	host, err := s.Host(ctx)
	if err != nil {
		return err
	}
	found, err := info.Host(ctx, host.InstanceID)
	if err != nil {
		return err
	}
	visitor := samples.Visitor{Address: found.Addresses.Public.HTTPS}
	if visitor.Address == "" {
		return fmt.Errorf("reach the apps: the host %s has no public address", host.InstanceID)
	}
	if s.Config.Acme == acmeInternal {
		if visitor.Roots, err = l.authority(ctx, s, host); err != nil {
			return err
		}
	}
	for _, app := range s.Config.Apps {
		if err := l.waitForApp(ctx, visitor, "https://"+app.Domain+app.HealthPath); err != nil {
			return fmt.Errorf("%w\n\nto see what the app logged, run webstack logs %s -s %s", err, app.Name, laptop.Stack)
		}
	}
	return nil
}

func (l *local) waitForApp(ctx context.Context, visitor samples.Visitor, url string) error {
	defer l.progress.Step("Waiting for " + url)()
	return visitor.Wait(ctx, url)
}

// authority writes the certificate that verifies the apps' certificates to a file for the user.
func (l *local) authority(ctx context.Context, s *operate.Stack, host operate.Host) (*x509.CertPool, error) {
	defer l.progress.Step("Reading the certificate of the host's own authority")()
	pem, err := samples.Authority(ctx, s, host)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("read the certificate of the host's own authority: it is not a PEM certificate")
	}
	return roots, atomicfile.Write(l.dir.Authority(), pem, 0o644)
}

// site is how an app is reached from this computer.
type site struct {
	// url is for a browser, which finds names under .localhost at 127.0.0.1; "" for other names.
	url string
	// resolve is curl's argument that leads the name to the host's public address.
	resolve string
}

// siteOf says how the app at public, "https://DOMAIN", is reached.
func siteOf(public string, addresses machine.Addresses) site {
	var out site
	parsed, err := url.Parse(public)
	if err != nil {
		return out
	}
	name := parsed.Hostname()
	if address, port, err := net.SplitHostPort(addresses.Public.HTTPS); err == nil {
		out.resolve = name + ":" + port + ":" + address
	}
	_, port, err := net.SplitHostPort(addresses.Local.HTTPS)
	if err != nil || name != "localhost" && !strings.HasSuffix(name, ".localhost") {
		return out
	}
	out.url = "https://" + name
	if port != "443" {
		out.url += ":" + port
	}
	return out
}
