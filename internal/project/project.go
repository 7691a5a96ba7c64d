// Package project finds a clone and its files. It knows of Pulumi.yaml and the stack files only where they are and what
// they are called, so that the operator's command needs nothing of Pulumi.
package project

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"webstack/internal/lazyregexp"
)

// File is the project file, which marks the root of a clone.
const File = "Pulumi.yaml"

// FindDir returns the root of the clone that the folder from lies in: the folder that holds Pulumi.yaml.
func FindDir(from string) (string, error) {
	abs, err := filepath.Abs(from)
	if err != nil {
		return "", fmt.Errorf("find the folder of the project: %w", err)
	}
	for at := abs; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, File)); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("find Pulumi.yaml: %s is not in a Webstack clone; run this inside one", abs)
		}
	}
}

// Name returns the name of the project in dir.
func Name(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		return "", fmt.Errorf("read the name of the project: %w", err)
	}
	var project struct{ Name string }
	if err := yaml.Unmarshal(text, &project); err != nil {
		return "", fmt.Errorf("read the name of the project in %s: %w", File, err)
	}
	if project.Name == "" {
		return "", fmt.Errorf("read the name of the project: %s has no name", File)
	}
	return project.Name, nil
}

// stackPattern is a stack as Pulumi writes it: its name, after its organization and its project or neither.
var stackPattern = lazyregexp.New(`^(?:\w[\w.-]*/){0,2}(\w[\w.-]*)$`)

// StackName returns the name in what Pulumi takes for a stack: dev of dev, acme/dev and acme/webstack/dev.
func StackName(text string) (string, error) {
	match := stackPattern.FindStringSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("%q is not the name of a stack", text)
	}
	return match[1], nil
}

// StackFile is the path of a stack's file.
func StackFile(dir, stack string) string { return filepath.Join(dir, "Pulumi."+stack+".yaml") }

// Stacks are the names of the stacks that have a file in dir, sorted.
func Stacks(dir string) ([]string, error) {
	files, err := filepath.Glob(StackFile(dir, "*"))
	if err != nil {
		return nil, fmt.Errorf("list the stack files: %w", err)
	}
	var names []string
	for _, path := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "Pulumi."), ".yaml"))
	}
	slices.Sort(names)
	return names, nil
}
