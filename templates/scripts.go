package templates

import _ "embed"

// UserData is the script of a host's first boot. It makes sure that the SSM agent runs, for everything else comes
// through it. It never changes the host later, so it is the same for every stack.
//
//go:embed user-data.sh
var UserData string

// DockerScript installs Docker and the compose plugin, and holds them as they should be. It is the body of a script
// that has HOME and PATH set.
//
//go:embed docker.sh
var DockerScript string

// BootstrapScript fetches the host program when the installed one has another sum. It is the body of a script in which
// bucket, hostProgramSha256, stackDir and region are set.
//
//go:embed bootstrap.sh
var BootstrapScript string
