// Command gen writes the files that package reference renders. Run it with go generate ./config.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"webstack/config/internal/reference"
)

func main() {
	for name, render := range reference.Files {
		if err := write(filepath.Join("..", filepath.FromSlash(name)), render); err != nil {
			fmt.Fprintf(os.Stderr, "write %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

func write(path string, render func(string) (string, error)) error {
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	text, err := render(string(old))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
