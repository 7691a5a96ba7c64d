package cloud

import (
	"context"
	"fmt"
	"net"
	"os"

	"webstack/local/cloudflare"
	"webstack/local/engine"
	"webstack/local/gateway"
	"webstack/local/langhost"
	"webstack/local/moto"
	"webstack/local/nameserver"
	"webstack/local/provider"
	"webstack/local/provider/awsprovider"
	"webstack/local/provider/cloudflareprovider"
	"webstack/local/provider/randomprovider"
	"webstack/local/workdir"
)

// account starts everything that the laptop cloud consists of.
func account(ctx context.Context, dir workdir.Dir, p *parts, info *Info, journal *provider.Journal) (err error) {
	if info.AWS, err = serveAWS(ctx, dir, p); err != nil {
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
		{awsprovider.Package(info.AWSEndpoint()), journal},
		{cloudflareprovider.Package(info.CloudflareEndpoint()), journal},
		// What this one draws is nowhere but in the state, so there is nothing to take over after an interrupted run.
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
	// Every zone that is asked for is there, so that a new app's zone needs no visit to a dashboard.
	info.Cloudflare, err = p.serveHTTP("the Cloudflare API", cloudflare.Handler(records, cloudflare.Options{AutoZones: true}))
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

// serveAWS starts the emulated account and the gateway in front of it, and returns the gateway's port.
func serveAWS(ctx context.Context, dir workdir.Dir, p *parts) (int, error) {
	if err := os.MkdirAll(dir.Run(), 0o755); err != nil {
		return 0, fmt.Errorf("make the folder of the laptop cloud: %w", err)
	}
	log, err := os.Create(dir.RequestLog())
	if err != nil {
		return 0, fmt.Errorf("open the log of requests: %w", err)
	}
	emulator, err := moto.Start(ctx, dir.Moto(), os.Stderr)
	if err != nil {
		return 0, err
	}
	p.start("moto", emulator.Run)
	return p.serveHTTP("the AWS gateway", gateway.New(gateway.Options{Moto: emulator.URL(), Log: log}))
}

// Prepare makes sure that everything the laptop cloud needs is installed.
func Prepare(ctx context.Context, dir workdir.Dir, step engine.Step) error {
	if moto.Installed(ctx, dir.Moto()) {
		return nil
	}
	defer step("installing moto, the emulator of AWS")()
	return moto.Install(ctx, dir.Moto())
}
