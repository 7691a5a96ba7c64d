package langhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Run builds the program and runs it until it ends.
func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	engineAddress, err := engineOf(ctx)
	if err != nil {
		return nil, err
	}
	engine, closeEngine, err := dialEngine(engineAddress)
	if err != nil {
		return nil, err
	}
	defer closeEngine()

	program, release, err := Build(ctx, req.GetInfo().GetProgramDirectory(), h.buildDir)
	if compile := (*CompileError)(nil); errors.As(err, &compile) {
		engine.error(ctx, compile.Error())
		return &pulumirpc.RunResponse{Bail: true}, nil
	}
	if err != nil {
		return nil, err
	}
	env, err := environment(req, engineAddress)
	if err != nil {
		release()
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, req.GetArgs()...)
	cmd.Dir = req.GetPwd()
	cmd.Env = append(os.Environ(), env...)
	stdout, stderr := engine.writer(ctx), engine.writer(ctx)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	killWithChildren(cmd)
	err = cmd.Start()
	release()
	if err == nil {
		err = cmd.Wait()
	}
	stdout.flush()
	stderr.flush()
	return ending(err)
}

// ending turns the program's end into the answer the engine expects. A program that reported its errors itself ends
// with a status of its own.
func ending(err error) (*pulumirpc.RunResponse, error) {
	if err == nil {
		return &pulumirpc.RunResponse{}, nil
	}
	exit := (*exec.ExitError)(nil)
	switch {
	case !errors.As(err, &exit):
		return nil, fmt.Errorf("run the program: %w", err)
	case exit.ExitCode() == constant.ExitStatusLoggedError:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case exit.Exited():
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode()),
		}, nil
	default:
		return &pulumirpc.RunResponse{Error: "program ended early: " + exit.Error()}, nil
	}
}

// environment returns the environment that tells a Go program what to do.
func environment(req *pulumirpc.RunRequest, engineAddress string) ([]string, error) {
	config, err := json.Marshal(req.GetConfig())
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	secretKeys, err := json.Marshal(append([]string{}, req.GetConfigSecretKeys()...))
	if err != nil {
		return nil, fmt.Errorf("write the names of secrets: %w", err)
	}
	var env []string
	for _, entry := range [][2]string{
		{pulumi.EnvOrganization, req.GetOrganization()},
		{pulumi.EnvProject, req.GetProject()},
		{pulumi.EnvPulumiRootDirectory, req.GetInfo().GetRootDirectory()},
		{pulumi.EnvStack, req.GetStack()},
		{pulumi.EnvConfig, string(config)},
		{pulumi.EnvConfigSecretKeys, string(secretKeys)},
		{pulumi.EnvDryRun, strconv.FormatBool(req.GetDryRun())},
		{pulumi.EnvParallel, strconv.Itoa(int(req.GetParallel()))},
		{pulumi.EnvMonitor, req.GetMonitorAddress()},
		{pulumi.EnvEngine, engineAddress},
	} {
		if entry[1] != "" {
			env = append(env, strings.Join(entry[:], "="))
		}
	}
	return env, nil
}
