#!/bin/bash
# The first boot of a host. Ubuntu's images come with the SSM agent; an image of your own may not.
set -Eeuo pipefail
if command -v snap >/dev/null; then
	snap list amazon-ssm-agent >/dev/null 2>&1 || snap install amazon-ssm-agent --classic
	snap start --enable amazon-ssm-agent
fi
