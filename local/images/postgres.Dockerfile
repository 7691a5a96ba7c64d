# Postgres from Debian's packages, on a root of Debian 13. What of the root no database needs is taken out again; the
# layers are flattened afterwards.
ARG BASE
FROM ${BASE}
SHELL ["/bin/bash", "-Eeuo", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive

# The ids are those of the official image: files on the data volume belong to them.
RUN taken="$(getent passwd 999 | cut -d: -f1 || true)"; if [ -n "$taken" ]; then usermod -u 899 "$taken"; fi; \
    taken="$(getent group 999 | cut -d: -f1 || true)"; if [ -n "$taken" ]; then groupmod -g 899 "$taken"; fi; \
    groupadd --system --gid 999 postgres; \
    useradd --system --gid 999 --uid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres

RUN apt-get update; \
    apt-get install -y --no-install-recommends locales postgresql-common; \
    localedef -i en_US -c -f UTF-8 -A /usr/share/locale/locale.alias en_US.UTF-8; \
    sed -ri 's/#(create_main_cluster) .*$/\1 = false/' /etc/postgresql-common/createcluster.conf; \
    apt-get install -y --no-install-recommends postgresql-17; \
    sed -ri "s/^#?listen_addresses .*/listen_addresses = '*'/" /usr/share/postgresql/17/postgresql.conf.sample; \
    grep -q "^listen_addresses = '\*'" /usr/share/postgresql/17/postgresql.conf.sample

# Of the packages only files go: their scripts would take the user postgres away. Without LLVM Postgres compiles no
# queries, and says nothing about it. The Perl wrappers that choose among several versions of Postgres go too.
RUN dpkg-query --show --showformat '${Package}\n' | \
    grep -E '^(ca-certificates|curl|e2fsprogs|iproute2|iptables|kmod|libllvm.*|libperl5.*|libsystemd-shared|libz3-.*|locales|perl|perl-modules-.*|postgresql-client-common|postgresql-common.*|systemd|systemd-sysv|udev)$' | \
    while read -r package; do \
        dpkg-query --listfiles "$package" | while read -r file; do \
            if [ -L "$file" ] || [ -f "$file" ]; then rm -f "$file"; fi; \
        done; \
    done; \
    rm -rf /var/lib/apt/lists/* /var/lib/dpkg/info /var/cache/* /var/log/* /boot \
        /usr/share/doc /usr/share/man /usr/share/info /usr/share/bug /usr/share/lintian /usr/share/perl /usr/share/perl5 \
        /usr/lib/postgresql/17/lib/bitcode /usr/lib/postgresql/17/lib/llvmjit* /usr/lib/systemd /etc/systemd; \
    find /usr/share/locale -mindepth 1 -maxdepth 1 ! -name locale.alias -exec rm -rf {} +; \
    find -L /usr/bin -type l -delete; \
    install -d -o postgres -g postgres -m 3775 /var/run/postgresql; \
    install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data; \
    install -d /docker-entrypoint-initdb.d

COPY docker-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN chown root:root /usr/local/bin/docker-entrypoint.sh; \
    chmod 0755 /usr/local/bin/docker-entrypoint.sh; \
    /usr/lib/postgresql/17/bin/postgres --version
