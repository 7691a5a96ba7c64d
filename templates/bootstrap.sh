# Download the host program, unless the right one is already installed. It is not run before its checksum is verified.
program="$stackDir/bin/webstackctl"
mkdir -p "$stackDir/bin"
# The lock for everything that changes the stack; only root may open it.
[[ -e "$stackDir/lock" ]] || (umask 077 && : >>"$stackDir/lock")
exec 9<"$stackDir/lock"
flock 9
if ! sha256sum --check --status <<<"$hostProgramSha256  $program" 2>/dev/null; then
	metadata="${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest"
	storage="${AWS_ENDPOINT_URL_S3:-${AWS_ENDPOINT_URL:-https://s3.$region.amazonaws.com}}"
	# On the first boot, the role may not be known everywhere yet: the metadata service answers 404, S3 answers 403. Nine
	# attempts, with pauses that double, take four minutes.
	fetch() { curl --fail --silent --show-error --retry 8 --retry-all-errors --max-time 300 "$@"; }
	token="$(fetch --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token")"
	# Secrets are passed by standard input: everybody on the host can read command lines.
	metadata_of() {
		fetch --config - "$metadata/meta-data/iam/security-credentials/$1" <<<"header = \"X-aws-ec2-metadata-token: $token\""
	}
	role="$(metadata_of '')"
	credentials="$(metadata_of "$role")"
	field() { sed -n "s/^ *\"$1\" *: *\"\\([^\"]*\\)\".*/\\1/p" <<<"$credentials"; }
	# S3 requires the checksum of the request's body, which is empty. curl before version 8 does not send it.
	nothing="$(sha256sum </dev/null)"
	fetch --config - --aws-sigv4 "aws:amz:$region:s3" --header "X-Amz-Content-Sha256: ${nothing%% *}" \
		--output "$program.new" "$storage/$bucket/bundle/bin/webstackctl" <<-CURL
		user = "$(field AccessKeyId):$(field SecretAccessKey)"
		header = "X-Amz-Security-Token: $(field Token)"
	CURL
	if ! sha256sum --check --status <<<"$hostProgramSha256  $program.new"; then
		rm -f "$program.new"
		echo "the host program in the bucket does not have the sum $hostProgramSha256; nothing was changed:" \
			"run pulumi up --refresh, which publishes it" >&2
		exit 1
	fi
	chmod 0755 "$program.new"
	sync "$program.new"
	mv "$program.new" "$program"
fi
exec 9<&-
