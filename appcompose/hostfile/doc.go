// Package hostfile says what the files that the host writes contain, and where they stand. The Compose file and the
// Caddyfile that package appcompose renders are complete only with them:
//
//	compose/.env               what each container is made of            ComposeEnv
//	env/APP.env                an app's secrets and DATABASE_URL         AppEnv
//	env/postgres-password      the superuser's password                  the bare password, no new line
//	caddy/upstreams/APP        who answers for an app                    Upstream; none before the first deploy
//	caddy/tls/APP/Caddyfile    which certificate an app has              AutomaticCertificate, OwnCertificate
//	caddy/tls/APP/tls.crt      its own certificate chain, PEM            as found in Parameter Store
//	caddy/tls/APP/tls.key      and private key, PEM                      as found in Parameter Store
//
// The files with secrets (all of env/, and tls.key) have mode 0600 and belong to root, every other file 0644. All of
// them are replaced by rename, so that no reader sees half a file. Caddy reads upstreams by itself; certificates need
// a reload. Every app of the manifest has its tls/APP/Caddyfile before Caddy is started or reloaded: a missing one is
// an error that leaves the old config in place. Every app has its env file before its profile is enabled in
// compose/.env.
//
// The package imports only the standard library and package contract, and reads nothing from the environment.
package hostfile
