package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// memory is a Store in memory.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	version int
	// fail, if not nil, sees each call, and its error is that of the call.
	fail func(call, key string) error
	// damage, if not nil, changes what is downloaded.
	damage func(key string, content []byte) []byte
}

func (m *memory) called(call, key string) error {
	if m.fail == nil {
		return nil
	}
	return m.fail(call, key)
}

func (m *memory) store(key string, content []byte) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.version++
	m.objects[key] = content
	return fmt.Sprint("v", m.version)
}

func (m *memory) get(key string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, ok := m.objects[key]
	return content, ok
}

// keys returns the keys that end with a text, sorted.
func (m *memory) keys(end string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.objects)), func(key string) bool { return !strings.HasSuffix(key, end) })
}

// Put implements Store.
func (m *memory) Put(_ context.Context, key string, content io.ReaderAt, size int64) (string, error) {
	if err := m.called("put", key); err != nil {
		return "", err
	}
	if _, ok := m.get(key); ok {
		return "", errors.New("PreconditionFailed")
	}
	text, err := io.ReadAll(io.NewSectionReader(content, 0, size))
	return m.store(key, text), err
}

// Replace implements Store.
func (m *memory) Replace(_ context.Context, key string, content io.ReaderAt, size int64) error {
	if err := m.called("replace", key); err != nil {
		return err
	}
	text, err := io.ReadAll(io.NewSectionReader(content, 0, size))
	m.store(key, text)
	return err
}

// Copy implements Store.
func (m *memory) Copy(_ context.Context, from, to string, _ int64) (string, error) {
	if err := m.called("copy", to); err != nil {
		return "", err
	}
	content, ok := m.get(from)
	if !ok {
		return "", errors.New("NoSuchKey")
	}
	return m.store(to, content), nil
}

// Exists implements Store.
func (m *memory) Exists(_ context.Context, key string) (bool, error) {
	_, ok := m.get(key)
	return ok, m.called("exists", key)
}

// List implements Store.
func (m *memory) List(_ context.Context, prefix string) ([]string, error) {
	keys := m.keys("")
	return slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) }), m.called("list", prefix)
}

// Get implements Store.
func (m *memory) Get(_ context.Context, key string) (io.ReadCloser, error) {
	if err := m.called("get", key); err != nil {
		return nil, err
	}
	content, ok := m.get(key)
	if !ok {
		return nil, errors.New("NoSuchKey")
	}
	if m.damage != nil {
		content = m.damage(key, bytes.Clone(content))
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}
