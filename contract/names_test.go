package contract

import "testing"

// These names are in people's accounts and on their hosts: a change of one needs a migration.
func TestNamesAreStable(t *testing.T) {
	t.Parallel()
	base := BasePath("webstack", "dev")
	paths := Paths{StackDir: "/opt/webstack"}
	for got, want := range map[string]string{
		StackTagValue("webstack", "dev"):           "webstack/dev",
		PostgresPasswordParam(base):                "/webstack/dev/postgres/password",
		PostgresHostParam(base):                    "/webstack/dev/postgres/host",
		AppDatabasePasswordParam(base, "shop"):     "/webstack/dev/apps/shop/database-password",
		AppEnvParam(base, "shop", "TOKEN"):         "/webstack/dev/apps/shop/env/TOKEN",
		AppReleaseParam(base, "shop"):              "/webstack/dev/apps/shop/release",
		AppCertificateParams(base, "shop")[0].Cert: "/webstack/dev/shop/ssl/cert",
		AppCertificateParams(base, "shop")[0].Key:  "/webstack/dev/shop/ssl/key",
		AppCertificateParams(base, "shop")[1].Cert: "/shop/ssl/cert",
		AppCertificateParams(base, "shop")[1].Key:  "/shop/ssl/key",
		File{Path: ComposePath}.Key():              "bundle/compose/docker-compose.yml",
		ManifestKey:                                "bundle/manifest.json",
		paths.HostProgram():                        "/opt/webstack/bin/webstackctl",
		paths.Compose():                            "/opt/webstack/compose/docker-compose.yml",
		paths.Caddyfile():                          "/opt/webstack/caddy/Caddyfile",
		paths.Manifest():                           "/opt/webstack/bundle/manifest.json",
		paths.Lock():                               "/opt/webstack/lock",
		paths.AppEnv("shop"):                       "/opt/webstack/env/shop.env",
		paths.AppTLS("shop"):                       "/opt/webstack/caddy/tls/shop",
		paths.Hosts():                              "/opt/webstack/caddy/hosts",
		PostgresDataDir + CaddyDataDir + DumpsDir:  "/var/lib/webstack/postgres/var/lib/webstack/caddy/var/lib/webstack/dumps",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
