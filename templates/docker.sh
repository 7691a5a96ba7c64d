# Install and configure Docker. Running this again changes nothing.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
# On the first boot, cloud-init may still be using the package manager. It may also end with a warning (2).
if command -v cloud-init >/dev/null; then
	cloud-init status --wait >/dev/null || true
fi
if ! docker compose version >/dev/null 2>&1 || ! command -v dockerd >/dev/null; then
	# The system's own timers may be updating the package lists, and apt waits only for the lock of the packages.
	for _ in {1..30}; do
		apt-get -q update && break
		sleep 10
	done
	# On Ubuntu the Compose plugin is called docker-compose-v2; Debian has separate packages for it and for the client.
	if apt-cache show docker-compose-v2 >/dev/null 2>&1; then
		packages=(docker.io docker-compose-v2)
	else
		packages=(docker.io docker-cli docker-compose)
	fi
	install() { apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "${packages[@]}"; }
	# If a run was killed, packages are half configured, and apt refuses to work until that is fixed.
	install || { dpkg --configure -a && install; }
fi
# If the engine does not start, its log says why. It cannot start without the data volume.
trap 'journalctl --no-pager --quiet --lines 20 --unit webstack-data --unit docker >&2 || true' ERR
# Containers keep running while an upgrade restarts the engine; logs never fill the disk.
settings='{
  "live-restore": true,
  "log-driver": "local",
  "log-opts": {"max-size": "10m", "max-file": "3"}
}'
# The mark stays until the engine runs with the new settings, so that a later run finishes the work of a killed one.
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
