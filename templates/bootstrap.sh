# Fetch the host program, unless the installed one is the right one already. Nothing is run before its sum is checked.
program="$stackDir/bin/webstackctl"
if ! sha256sum --check --status <<<"$hostProgramSha256  $program" 2>/dev/null; then
	metadata="${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest"
	storage="${AWS_ENDPOINT_URL_S3:-${AWS_ENDPOINT_URL:-https://s3.$region.amazonaws.com}}"
	fetch() { curl --fail --silent --show-error --retry 5 --retry-connrefused --max-time 300 "$@"; }
	token="$(fetch --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token")"
	metadata_of() { fetch --config - "$metadata/meta-data/iam/security-credentials/$1" <<<"header = \"X-aws-ec2-metadata-token: $token\""; }
	role="$(metadata_of '')"
	credentials="$(metadata_of "$role")"
	field() { sed -n "s/^ *\"$1\" *: *\"\\([^\"]*\\)\".*/\\1/p" <<<"$credentials"; }
	mkdir -p "$stackDir/bin"
	# By standard input: a command line can be read by everybody on the host.
	fetch --config - --aws-sigv4 "aws:amz:$region:s3" --output "$program.new" \
		"$storage/$bucket/bundle/bin/webstackctl" <<-CURL
		user = "$(field AccessKeyId):$(field SecretAccessKey)"
		header = "X-Amz-Security-Token: $(field Token)"
	CURL
	if ! sha256sum --check --status <<<"$hostProgramSha256  $program.new"; then
		rm -f "$program.new"
		echo "the host program in the bucket does not have the sum $hostProgramSha256; nothing was changed" >&2
		exit 1
	fi
	chmod 0755 "$program.new"
	mv "$program.new" "$program"
fi
