// Package laptop finds the laptop cloud that runs for a clone. It owns the form of the file by which the laptop cloud
// says where it answers: a JSON object, described in docs/laptop-cloud.md.
package laptop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Stack is the name of the stack that runs on the laptop cloud.
const Stack = "local"

// ErrNotRunning says that the clone has no running laptop cloud.
var ErrNotRunning = errors.New("the laptop cloud is not running; start it with: make up")

// healthTimeout is how long the laptop cloud may take to say that it runs.
const healthTimeout = 5 * time.Second

// Endpoints say where a running laptop cloud answers. Everything listens on 127.0.0.1 only.
type Endpoints struct {
	// AWS is the URL of the AWS endpoint, for every service.
	AWS string `json:"aws"`
	// AccessKeyID and SecretAccessKey belong to the owner of the account, who may do everything in it. They are new each
	// time the laptop cloud starts.
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	// NameServer is the "address:port", UDP and TCP, of the server that knows the zone's records.
	NameServer string `json:"nameServer"`
	// Health is a URL that answers 204 to a request with ID as bearer token.
	Health string `json:"health"`
	// ID identifies this run of the laptop cloud. The next run has another ID and none of the data.
	ID string `json:"id"`
}

// File is the path of the file in the clone at dir. It exists while the laptop cloud runs; one that was killed leaves it
// behind. Only its owner can read it, because it holds a key.
func File(dir string) string { return filepath.Join(dir, ".webstack", "run", "endpoints.json") }

// Find returns the endpoints of the laptop cloud that runs for the clone at dir, or ErrNotRunning.
func Find(ctx context.Context, dir string) (Endpoints, error) {
	var found Endpoints
	text, err := read(File(dir))
	if errors.Is(err, os.ErrNotExist) {
		return found, ErrNotRunning
	}
	if err != nil {
		return found, fmt.Errorf("find the laptop cloud: %w", err)
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return found, fmt.Errorf("read %s (if no laptop cloud is running, remove it): %w", File(dir), err)
	}
	return found, found.Check(ctx)
}

// maxFile bounds the file, in bytes; it has a few hundred.
const maxFile = 1 << 20

// read returns the content of a regular file, and waits for nothing else.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

// Check returns ErrNotRunning unless the laptop cloud with these endpoints answers.
func (e Endpoints) Check(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, e.Health, nil)
	if err != nil {
		return fmt.Errorf("find the laptop cloud: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+e.ID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if limited.Err() != nil {
			return fmt.Errorf("find the laptop cloud: %w", limited.Err())
		}
		return ErrNotRunning
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return ErrNotRunning // another program has the port now
	}
	return nil
}
