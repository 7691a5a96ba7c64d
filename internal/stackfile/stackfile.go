// Package stackfile reads a stack file as Pulumi does, for what is not run by Pulumi: objects become JSON, and what the
// file leaves out has the default of Pulumi.yaml. Encrypted values are decrypted or, for who needs none of them, have a
// stand-in.
package stackfile

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// File is the config of a run: the values by full key in clear, and the keys that hold a secret.
type File struct {
	Values     map[string]string
	SecretKeys []string
}

// Read reads Pulumi.yaml and Pulumi.<stack>.yaml in dir. The passphrase is only needed when the file holds
// encrypted values.
func Read(dir, stack, passphrase string) (*File, error) {
	project, err := loadProject(dir)
	if err != nil {
		return nil, err
	}
	file, err := workspace.LoadProjectStack(newSink(), project, Path(dir, stack))
	if err != nil {
		return nil, fmt.Errorf("load the file of stack %s: %w", stack, err)
	}
	decrypter, err := newDecrypter(file.EncryptionSalt, passphrase)
	if err != nil {
		return nil, err
	}
	return open(project, stack, file, decrypter)
}

// ParseSealed takes text for the content of Pulumi.<stack>.yaml and needs no key: each encrypted value becomes StandIn.
func ParseSealed(dir, stack string, text []byte) (*File, error) {
	project, err := loadProject(dir)
	if err != nil {
		return nil, err
	}
	file, err := workspace.LoadProjectStackBytes(newSink(), project, text, Path(dir, stack), encoding.YAML)
	if err != nil {
		return nil, fmt.Errorf("read the file of stack %s: %w", stack, err)
	}
	return open(project, stack, file, sealed{})
}

// Path is the path of a stack's file.
func Path(dir, stack string) string { return filepath.Join(dir, "Pulumi."+stack+".yaml") }

// Project is the name of the project in dir.
func Project(dir string) (string, error) {
	project, err := loadProject(dir)
	if err != nil {
		return "", err
	}
	return project.Name.String(), nil
}

// Stacks are the names of the stacks that have a file in dir, sorted.
func Stacks(dir string) ([]string, error) {
	files, err := filepath.Glob(Path(dir, "*"))
	if err != nil {
		return nil, fmt.Errorf("list the stack files: %w", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml"))
	}
	slices.Sort(names)
	return names, nil
}

func loadProject(dir string) (*workspace.Project, error) {
	project, err := workspace.LoadProject(filepath.Join(dir, "Pulumi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("load Pulumi.yaml: %w", err)
	}
	return project, nil
}

func newSink() diag.Sink {
	return diag.DefaultSink(discard{}, discard{}, diag.FormatOptions{Color: colors.Never})
}

// open decrypts the values of a file and adds what it leaves out.
func open(
	project *workspace.Project, stack string, file *workspace.ProjectStack, decrypter config.Decrypter,
) (*File, error) {
	values, err := file.Config.Decrypt(decrypter)
	if err != nil {
		return nil, fmt.Errorf("decrypt the file of stack %s: %w", stack, err)
	}
	out := &File{Values: map[string]string{}}
	for key, value := range values {
		out.Values[key.String()] = value
	}
	for _, key := range file.Config.SecureKeys() {
		out.SecretKeys = append(out.SecretKeys, key.String())
	}
	return out, out.addDefaults(project)
}

// addDefaults does what Pulumi does with the config block of Pulumi.yaml.
func (f *File) addDefaults(project *workspace.Project) error {
	for key, declared := range project.Config {
		if _, set := f.Values[key]; set {
			continue
		}
		value := declared.Default
		if declared.Value != nil {
			value = declared.Value
		}
		if text, ok := value.(string); ok {
			f.Values[key] = text
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("marshal the default of %s: %w", key, err)
		}
		f.Values[key] = string(text)
	}
	return nil
}

// newDecrypter derives the key from the passphrase and the salt that the stack file holds as v1:<base64>:<probe>.
func newDecrypter(salt, passphrase string) (config.Decrypter, error) {
	if salt == "" {
		return config.NopDecrypter, nil
	}
	fields := strings.SplitN(salt, ":", 3)
	if len(fields) != 3 || fields[0] != "v1" {
		return nil, fmt.Errorf("read encryptionsalt: it has not the form v1:<salt>:<probe>")
	}
	raw, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return nil, fmt.Errorf("decode encryptionsalt: %w", err)
	}
	return config.NewSymmetricCrypterFromPassphrase(passphrase, raw), nil
}

// StandIn is what stands for a value that stays encrypted: a text that every key takes which may be a secret.
const StandIn = "000000000000000000000000000000000000000000000000"

// sealed opens nothing.
type sealed struct{}

func (sealed) DecryptValue(context.Context, string) (string, error) { return StandIn, nil }

func (sealed) BatchDecrypt(_ context.Context, texts []string) ([]string, error) {
	return slices.Repeat([]string{StandIn}, len(texts)), nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
