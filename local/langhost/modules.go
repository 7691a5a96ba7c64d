package langhost

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"golang.org/x/mod/modfile"
	"google.golang.org/protobuf/types/known/emptypb"
)

// providerModule is the prefix of the path of every Go module with the SDK of a Pulumi provider.
const providerModule = "github.com/pulumi/pulumi-"

// GetPluginInfo returns the Pulumi release that this host corresponds to.
func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// GetRequiredPackages names the providers whose SDKs the program's go.mod requires.
func (h *host) GetRequiredPackages(
	_ context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	mod, err := readModule(req.GetInfo().GetProgramDirectory())
	if err != nil {
		return nil, err
	}
	resp := &pulumirpc.GetRequiredPackagesResponse{}
	for _, require := range mod.Require {
		rest, ok := strings.CutPrefix(require.Mod.Path, providerModule)
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(rest, "/")
		resp.Packages = append(resp.Packages, &pulumirpc.PackageDependency{
			Name: name, Version: require.Mod.Version, Kind: "resource",
		})
	}
	return resp, nil
}

// GetProgramDependencies lists the modules that the program's go.mod requires.
func (h *host) GetProgramDependencies(
	_ context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	mod, err := readModule(req.GetInfo().GetProgramDirectory())
	if err != nil {
		return nil, err
	}
	resp := &pulumirpc.GetProgramDependenciesResponse{}
	for _, require := range mod.Require {
		if !require.Indirect || req.GetTransitiveDependencies() {
			resp.Dependencies = append(resp.Dependencies, &pulumirpc.DependencyInfo{
				Name: require.Mod.Path, Version: require.Mod.Version,
			})
		}
	}
	return resp, nil
}

// About names the Go toolchain in use.
func (h *host) About(ctx context.Context, _ *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("find go: %w", err)
	}
	out, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return nil, fmt.Errorf("run go version: %w", err)
	}
	return &pulumirpc.AboutResponse{Executable: path, Version: strings.TrimSpace(string(out))}, nil
}

// InstallDependencies downloads the modules that go.mod requires. It does not change any file of the program.
func (h *host) InstallDependencies(
	req *pulumirpc.InstallDependenciesRequest, server pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, req.GetIsTerminal())
	if err != nil {
		return fmt.Errorf("open the output of the installation: %w", err)
	}
	defer func(c io.Closer) { _ = c.Close() }(closer)
	cmd := exec.CommandContext(server.Context(), "go", "mod", "download")
	cmd.Dir = req.GetInfo().GetProgramDirectory()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	killWithChildren(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("download the program's modules: %w", err)
	}
	return closer.Close()
}

// readModule reads the go.mod of the module that dir belongs to.
func readModule(dir string) (*modfile.File, error) {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		path := filepath.Join(at, "go.mod")
		data, err := os.ReadFile(path)
		if err == nil {
			return modfile.Parse(path, data, nil)
		}
		if !os.IsNotExist(err) {
			return nil, fmt.Errorf("read go.mod: %w", err)
		}
		if at == filepath.Dir(at) {
			return nil, fmt.Errorf("find go.mod: %s is not in a Go module", dir)
		}
	}
}
