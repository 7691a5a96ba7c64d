package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"webstack/local/cloudflare"
	"webstack/local/engine"
	"webstack/local/gateway"
	"webstack/local/langhost"
	"webstack/local/machine"
	"webstack/local/moto"
	"webstack/local/nameserver"
	"webstack/local/provider"
	"webstack/local/provider/awsprovider"
	"webstack/local/provider/cloudflareprovider"
	"webstack/local/provider/randomprovider"
	"webstack/local/registry"
	"webstack/local/workdir"
)

// account starts all parts of the laptop cloud.
func account(ctx context.Context, dir workdir.Dir, p *parts, info *Info, journal *provider.Journal) (err error) {
	if err := serveAWS(ctx, dir, p, info); err != nil {
		return err
	}
	if err := serveDNS(p, info); err != nil {
		return err
	}
	info.LanguageHost, err = p.serveGRPC("the Go language host", func(ctx context.Context, l net.Listener) error {
		return langhost.Serve(ctx, l, dir.Build())
	})
	if err != nil {
		return err
	}
	info.Providers = map[string]int{}
	for _, served := range []struct {
		pkg     provider.Package
		journal *provider.Journal
	}{
		{awsprovider.Package(info.AWSEndpoint(), info.Credentials()), journal},
		{cloudflareprovider.Package(info.CloudflareEndpoint(), info.CloudflareToken), journal},
		// Its random values are only in the state, so there is nothing to adopt after an interrupted run.
		{randomprovider.Package(), provider.NewJournal()},
	} {
		port, err := p.serveGRPC("the provider "+served.pkg.Name, func(ctx context.Context, l net.Listener) error {
			return provider.Serve(ctx, l, served.pkg, served.journal)
		})
		if err != nil {
			return err
		}
		info.Providers[served.pkg.Name] = port
	}
	return nil
}

// serveDNS starts the stand-in for Cloudflare and the name server that answers from its records.
func serveDNS(p *parts, info *Info) (err error) {
	records := cloudflare.NewStore()
	// Every requested zone exists, so that a new app's zone does not have to be created by hand.
	info.Cloudflare, err = p.serveHTTP("the Cloudflare API",
		cloudflare.Handler(records, cloudflare.Options{Token: info.CloudflareToken, AutoZones: true}))
	if err != nil {
		return err
	}
	names, err := nameserver.Listen(loopback, records)
	if err != nil {
		return err
	}
	p.start("the name server", names.Run)
	info.DNS = names.Port()
	return nil
}

// serveAWS starts the emulated account with its machines and registries, and the gateway in front of them.
func serveAWS(ctx context.Context, dir workdir.Dir, p *parts, info *Info) error {
	if err := makeRun(dir); err != nil {
		return err
	}
	log, err := os.Create(dir.RequestLog())
	if err != nil {
		return fmt.Errorf("open the log of requests: %w", err)
	}
	emulator, err := moto.Start(ctx, dir.Moto(), os.Stderr)
	if err != nil {
		return err
	}
	p.start("moto", emulator.Run)
	options := gateway.Options{
		Moto: emulator.Dial, AccessKeyID: info.AccessKeyID, SecretAccessKey: info.SecretAccessKey, Log: log,
		Problems: os.Stderr, HubKey: info.ID,
	}
	if err := openRegistries(dir, p, &options); err != nil {
		return err
	}
	var g *gateway.Gateway // a machine asks for credentials once it has booted, which the gateway lets it do
	hosts, err := openHosts(ctx, dir, p, func(ctx context.Context, id string) (machine.Credentials, error) {
		return g.Credentials(ctx, id)
	}, os.Stderr)
	if err != nil {
		return err
	}
	info.NoHosts, info.Hub, info.engine = hosts.reason, hosts.hub, hosts.engine
	options.Machines, options.Databases = hosts.machines(), hosts.instancesOfRDS()
	g = gateway.New(options)
	p.start("what the account does on its own", g.Run)
	if err := hosts.serveRegistries(p, g); err != nil {
		return err
	}
	info.AWS, err = p.serveHTTP("the AWS gateway", g)
	hosts.aws.Store(int64(info.AWS))
	return err
}

// makeRun makes the folder for the files of a running laptop cloud. Other users cannot read it.
func makeRun(dir workdir.Dir) error {
	err := os.MkdirAll(dir.Run(), 0o700)
	if err == nil {
		err = os.Chmod(dir.Run(), 0o700)
	}
	if err != nil {
		return fmt.Errorf("make the folder of the laptop cloud: %w", err)
	}
	return nil
}

// openRegistries makes empty registries, which are removed when the cloud stops.
func openRegistries(dir workdir.Dir, p *parts, o *gateway.Options) (err error) {
	if err := os.RemoveAll(dir.Registries()); err != nil {
		return fmt.Errorf("remove the images of an earlier laptop cloud: %w", err)
	}
	if o.Images, err = registry.Open(filepath.Join(dir.Registries(), "ecr")); err != nil {
		return err
	}
	if o.Hub, err = registry.Open(filepath.Join(dir.Registries(), "hub")); err != nil {
		return errors.Join(err, o.Images.Close())
	}
	p.start("the registries' images", func(ctx context.Context) error {
		<-ctx.Done()
		return errors.Join(o.Images.Close(), o.Hub.Close(), os.RemoveAll(dir.Registries()))
	})
	return nil
}

// Prepare ensures that everything the laptop cloud needs is installed.
func Prepare(ctx context.Context, dir workdir.Dir, step engine.Step) error {
	if err := prepareMoto(ctx, dir, step); err != nil {
		return err
	}
	return prepareHosts(ctx, dir, step)
}

func prepareMoto(ctx context.Context, dir workdir.Dir, step engine.Step) error {
	if moto.Installed(ctx, dir.Moto()) {
		return nil
	}
	defer step("Installing moto, the AWS emulator")()
	return moto.Install(ctx, dir.Moto())
}
