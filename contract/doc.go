// Package contract is what the Pulumi program and the host share: paths on the host, names in the account, keys in the
// artifacts bucket, the bundle's manifest, and the files that the host adds to the bundle. Both sides import it. It
// reads nothing from the environment.
//
// The Compose file and the Caddyfile of the bundle are complete only with the files that the host writes:
//
//	compose/.env               the image of each container               ComposeEnv
//	env/APP.env                an app's secrets and DATABASE_URL         AppEnv
//	env/postgres-password      the superuser's password                  the bare password, no new line
//	caddy/sites/APP            what Caddy answers for an app             ReleasedSite, UnreleasedSite, MaintenanceSite
//	caddy/hosts                the container that answers for each app   Hosts; changed in place
//	caddy/tls/APP/Caddyfile    the certificate of an app                 AutomaticCertificate, OwnCertificate
//	caddy/tls/APP/tls.crt      its own certificate chain, PEM            as found in Parameter Store
//	caddy/tls/APP/tls.key      and private key, PEM                      as found in Parameter Store
//
// Files with secrets (everything in env/, and tls.key) have mode 0600 and belong to root; every other file has mode
// 0644. Except for caddy/hosts, they are replaced by rename, so that no reader sees half a file. Caddy follows changes
// of caddy/hosts itself within HostsDelay; sites and certificates need a reload. Every app of the manifest has its
// sites/APP and tls/APP/Caddyfile before Caddy starts or reloads: a missing file is an error, and Caddy keeps its
// current config. Every app has its env file before compose/.env enables its profile.
package contract
