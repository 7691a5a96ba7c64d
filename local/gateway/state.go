package gateway

import "sync"

// state is what the gateway itself keeps, because moto does not.
type state struct {
	mu           sync.Mutex
	associations map[string]*association // by id
	tags         map[string]map[string]string
	policies     map[string]string // by bucket
	images       map[string]string // by architecture
	faults       []*fault
}

func newState() *state {
	return &state{
		associations: map[string]*association{}, tags: map[string]map[string]string{},
		policies: map[string]string{}, images: map[string]string{},
	}
}
