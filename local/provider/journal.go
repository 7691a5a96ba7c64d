package provider

import (
	"context"
	"sync"
)

// Journal stores, for each resource URN, the id of the newest resource that was created for it. With it, an engine that
// was killed between a resource's creation and the write of its state finds the resource again.
type Journal struct {
	mu       sync.Mutex
	created  map[string]string
	inFlight int
	settled  chan struct{} // closed when nothing is in flight
}

// NewJournal returns an empty journal.
func NewJournal() *Journal {
	settled := make(chan struct{})
	close(settled)
	return &Journal{created: map[string]string{}, settled: settled}
}

// Created returns the id of the newest resource created for urn. It first waits until all operations have ended, or ctx
// ends: operations outlive the engine that requested them.
func (j *Journal) Created(ctx context.Context, urn string) (id string, ok bool, err error) {
	j.mu.Lock()
	settled := j.settled
	j.mu.Unlock()
	select {
	case <-settled:
	case <-ctx.Done():
		return "", false, ctx.Err()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	id, ok = j.created[urn]
	return id, ok, nil
}

func (j *Journal) record(urn, id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.created[urn] = id
}

// forget drops urn after its resource was deleted.
func (j *Journal) forget(urn, id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.created[urn] == id {
		delete(j.created, urn)
	}
}

// begin records an operation in progress; the returned function ends it.
func (j *Journal) begin() (end func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.inFlight == 0 {
		j.settled = make(chan struct{})
	}
	j.inFlight++
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.inFlight--
		if j.inFlight == 0 {
			close(j.settled)
		}
	}
}
