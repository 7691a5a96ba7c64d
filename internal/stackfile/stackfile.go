// Package stackfile reads a stack file as Pulumi does, so that tests run on the real files: encrypted values are
// decrypted, objects become JSON, and what the file leaves out has the default of Pulumi.yaml.
package stackfile

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
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
	project, err := workspace.LoadProject(filepath.Join(dir, "Pulumi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("load Pulumi.yaml: %w", err)
	}
	sink := diag.DefaultSink(discard{}, discard{}, diag.FormatOptions{Color: colors.Never})
	file, err := workspace.LoadProjectStack(sink, project, filepath.Join(dir, "Pulumi."+stack+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("load the file of stack %s: %w", stack, err)
	}
	decrypter, err := newDecrypter(file.EncryptionSalt, passphrase)
	if err != nil {
		return nil, err
	}
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

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
