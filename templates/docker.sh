# Docker as the stack needs it. Running this again changes nothing.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
# On the first boot cloud-init may still be at work with the package manager; it may also end with a warning (2).
if command -v cloud-init >/dev/null; then
	cloud-init status --wait >/dev/null || true
fi
if ! docker compose version >/dev/null 2>&1 || ! command -v dockerd >/dev/null; then
	# The system's own timers may be reading the package lists, and apt waits for the lock of packages only.
	for _ in {1..30}; do
		apt-get -q update && break
		sleep 10
	done
	# Ubuntu names the compose plugin docker-compose-v2; Debian has it, and the client, in packages of their own.
	if apt-cache show docker-compose-v2 >/dev/null 2>&1; then
		packages=(docker.io docker-compose-v2)
	else
		packages=(docker.io docker-cli docker-compose)
	fi
	install() { apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "${packages[@]}"; }
	# A run that was killed leaves packages half configured, and apt does nothing until that is mended.
	install || { dpkg --configure -a && install; }
fi
# Why the engine does not start stands in its log; without the data volume nothing lets it.
trap 'journalctl --no-pager --quiet --lines 20 --unit webstack-data --unit docker >&2 || true' ERR
# Containers go on while the engine is restarted by an upgrade; logs never fill the disk.
settings='{
  "live-restore": true,
  "log-driver": "local",
  "log-opts": {"max-size": "10m", "max-file": "3"}
}'
# The mark stays until the engine runs with the new settings, so that a run that was killed in between is made up for.
mark=/etc/docker/daemon.json.restart
if [[ -e "$mark" || "$(cat /etc/docker/daemon.json 2>/dev/null || true)" != "$settings" ]]; then
	mkdir -p /etc/docker
	touch "$mark"
	printf '%s\n' "$settings" >/etc/docker/daemon.json.new
	mv /etc/docker/daemon.json.new /etc/docker/daemon.json
	systemctl restart docker
	rm "$mark"
fi
systemctl enable --now --quiet docker
