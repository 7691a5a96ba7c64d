package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"webstack/internal/laptop"
	"webstack/local/workdir"
)

const (
	stopTimeout = 2 * time.Minute // machines and their volumes are removed
	stopPoll    = 50 * time.Millisecond
)

// Find returns the running laptop cloud of the clone, or laptop.ErrNotRunning. It recognizes the files of a laptop cloud that
// was killed: nobody answers on the control port with its id.
func Find(ctx context.Context, dir workdir.Dir) (Info, error) {
	data, err := os.ReadFile(dir.CloudFile())
	if errors.Is(err, os.ErrNotExist) {
		return Info{}, laptop.ErrNotRunning
	}
	if err != nil {
		return Info{}, fmt.Errorf("find the laptop cloud: %w", err)
	}
	var info Info
	if err := json.Unmarshal(data, &info); err != nil {
		return Info{}, fmt.Errorf("read %s (if no laptop cloud is running, remove it): %w", dir.CloudFile(), err)
	}
	return info, info.Endpoints().Check(ctx)
}

// Created returns the id of the newest resource that was created for urn in this run of the laptop cloud.
func (i Info) Created(ctx context.Context, urn string) (id string, ok bool, err error) {
	var answer created
	err = i.ask(ctx, http.MethodGet, "created?urn="+url.QueryEscape(urn), &answer)
	if status := (*statusError)(nil); errors.As(err, &status) && status.code == http.StatusNotFound {
		return "", false, nil
	}
	return answer.ID, err == nil, err
}

// Host returns where the machine of an instance answers on this computer.
func (i Info) Host(ctx context.Context, instanceID string) (Host, error) {
	var host Host
	err := i.ask(ctx, http.MethodGet, "host?id="+url.QueryEscape(instanceID), &host)
	return host, err
}

// Stop stops the laptop cloud and returns when it has ended.
func (i Info) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := i.ask(ctx, http.MethodPost, "stop", nil); err != nil {
		return fmt.Errorf("stop the laptop cloud: %w", err)
	}
	for alive(i.PID) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("stop the laptop cloud: process %d is still running: %w", i.PID, ctx.Err())
		case <-time.After(stopPoll):
		}
	}
	return nil
}

type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.code, e.text) }

// ask calls the control endpoint and decodes its answer, unless answer is nil.
func (i Info) ask(ctx context.Context, method, path string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, i.controlURL(path), nil)
	if err != nil {
		return fmt.Errorf("ask the laptop cloud: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+i.ID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the laptop cloud: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("ask the laptop cloud: %w",
			&statusError{code: resp.StatusCode, text: strings.TrimSpace(string(text))})
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("read the laptop cloud's answer: %w", err)
	}
	return nil
}
