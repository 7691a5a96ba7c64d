// Package stackfile reads stack files as Pulumi does: maps become JSON, and what the file leaves out has
// the default of Pulumi.yaml.
package stackfile

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	webstack "webstack/config"
	"webstack/internal/project"
)

// File is the config of a run: the values by full key in clear, the keys that hold a secret, and the file as it is
// written, nil where there is none.
type File struct {
	Values     map[string]string
	SecretKeys []string
	Text       *webstack.File
}

// Read reads Pulumi.yaml and Pulumi.<stack>.yaml in dir. The passphrase is only needed when the file holds
// encrypted values.
func Read(dir, stack, passphrase string) (*File, error) {
	declared, err := loadProject(dir)
	if err != nil {
		return nil, err
	}
	out := &File{Values: map[string]string{}}
	text, err := os.ReadFile(project.StackFile(dir, stack))
	if errors.Is(err, fs.ErrNotExist) {
		return out, out.addDefaults(declared)
	}
	if err != nil {
		return nil, fmt.Errorf("read the file of stack %s: %w", stack, err)
	}
	if out.Text, err = webstack.ParseFile(filepath.Base(project.StackFile(dir, stack)), text); err != nil {
		return nil, err
	}
	decrypter, err := newDecrypter(out.Text.Salt(), passphrase)
	if err != nil {
		return nil, err
	}
	return out, out.open(declared, project.StackFile(dir, stack), text, decrypter)
}

// open reads the values as Pulumi does.
func (f *File) open(declared *workspace.Project, path string, text []byte, decrypter config.Decrypter) error {
	file, err := parse(declared, path, text)
	if err != nil {
		return err
	}
	values, err := file.Config.Decrypt(decrypter)
	if err != nil {
		return fmt.Errorf("decrypt %s: %w", filepath.Base(path), err)
	}
	for key, value := range values {
		f.Values[key.String()] = value
	}
	for _, key := range file.Config.SecureKeys() {
		f.SecretKeys = append(f.SecretKeys, key.String())
	}
	return f.addDefaults(declared)
}

// OfRun returns text, the content of Pulumi.<stack>.yaml in dir, as the file that the values of a run come from, and nil
// when they come from elsewhere: pulumi up may be told to read another file.
func OfRun(dir, stack string, text []byte, values map[string]string) (*webstack.File, error) {
	declared, err := loadProject(dir)
	if err != nil {
		return nil, err
	}
	file, err := parse(declared, project.StackFile(dir, stack), text)
	if err != nil {
		return nil, nil //nolint:nilerr // Pulumi has not read a file that it cannot read.
	}
	secret := file.Config.SecureKeys()
	sealed, err := file.Config.Decrypt(sealed{})
	if err != nil {
		return nil, nil //nolint:nilerr // as above
	}
	for key, value := range sealed {
		have, set := values[key.String()]
		if !set || have != value && !slices.Contains(secret, key) {
			return nil, nil
		}
	}
	return webstack.ParseFile(filepath.Base(project.StackFile(dir, stack)), text)
}

// Check reads the file of a stack as a run of Pulumi would, and reports all that is wrong with it: also what keeps Pulumi
// from starting the program, which then could say nothing.
func Check(dir, stack, passphrase string) error {
	path := project.StackFile(dir, stack)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the file of stack %s: %w", stack, err)
	}
	file, err := webstack.ParseFile(filepath.Base(path), text)
	if err != nil {
		return err
	}
	declared, err := loadProject(dir)
	if err != nil {
		return err
	}
	decrypter, err := newDecrypter(file.Salt(), passphrase)
	if err != nil {
		return err
	}
	source, run := webstack.Source{Stack: stack, File: file}, &File{Values: map[string]string{}}
	secrets := checkSecrets(file, decrypter)
	if secrets == nil && run.open(declared, path, text, decrypter) == nil {
		source.Values = run.Values
	}
	_, err = source.Load()
	if err = errors.Join(err, secrets, checkSize(file.Name(), source.Values)); err != nil {
		return fmt.Errorf("read the config of stack %s:\n%w", stack, err)
	}
	return nil
}

// maxConfig is how many bytes of config a program can get: Pulumi passes it as one variable of the environment, which
// Linux limits to 128 KiB with its name.
const maxConfig = 128<<10 - len(pulumi.EnvConfig+"=") - 1

func checkSize(name string, values map[string]string) error {
	text, err := json.Marshal(values)
	if err == nil && len(text) > maxConfig {
		err = fmt.Errorf("%s: is %d bytes when Pulumi passes it to the program, and the limit is %d; keep large values elsewhere",
			name, len(text), maxConfig)
	}
	return err
}

// checkSecrets decrypts each value of a file that is encrypted by a passphrase, and reports those that cannot be.
func checkSecrets(file *webstack.File, decrypter config.Decrypter) error {
	if file.Salt() == "" {
		return nil
	}
	_, probe, _ := strings.Cut(strings.TrimPrefix(file.Salt(), "v1:"), ":")
	if _, err := decrypter.DecryptValue(context.Background(), probe); err != nil {
		return fmt.Errorf("%s: encryptionsalt: does not belong to this stack's passphrase", file.Name())
	}
	var errs []error
	for _, secret := range file.Encrypted() {
		if _, err := decrypter.DecryptValue(context.Background(), secret.Text); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %s: cannot be decrypted with this stack's passphrase and encryptionsalt; "+
				"set it again with pulumi config set --secret", file.Name(), secret.Line, secret.Path))
		}
	}
	return errors.Join(errs...)
}

func parse(in *workspace.Project, path string, text []byte) (*workspace.ProjectStack, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	file, err := workspace.LoadProjectStackBytes(newSink(), in, text, path, encoding.YAML)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return file, nil
}

func loadProject(dir string) (*workspace.Project, error) {
	loaded, err := workspace.LoadProject(filepath.Join(dir, "Pulumi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("load Pulumi.yaml: %w", err)
	}
	return loaded, nil
}

func newSink() diag.Sink {
	return diag.DefaultSink(discard{}, discard{}, diag.FormatOptions{Color: colors.Never})
}

// addDefaults does what Pulumi does with the config block of Pulumi.yaml.
func (f *File) addDefaults(in *workspace.Project) error {
	for key, declared := range in.Config {
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
		return nil, fmt.Errorf("read encryptionsalt: it does not have the form v1:<salt>:<probe>")
	}
	raw, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return nil, fmt.Errorf("decode encryptionsalt: %w", err)
	}
	return config.NewSymmetricCrypterFromPassphrase(passphrase, raw), nil
}

// sealed opens nothing.
type sealed struct{}

func (sealed) DecryptValue(context.Context, string) (string, error) { return "", nil }

func (sealed) BatchDecrypt(_ context.Context, texts []string) ([]string, error) {
	return make([]string, len(texts)), nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
