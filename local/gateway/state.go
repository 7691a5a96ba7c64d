package gateway

import (
	"cmp"
	"slices"
	"sync"
)

// state is what the gateway itself keeps, because moto does not.
type state struct {
	mu           sync.Mutex
	associations map[string][]association // versions by id, the oldest first
	tags         map[string]map[string]string
	policies     map[string]string         // by bucket
	instances    map[string]instance       // by id
	descriptions map[string]string         // of rules about security groups, by rule id
	launching    sync.Mutex                // held over a launch; guards launches
	launches     map[string]launch         // by client token
	inline       map[string]map[string]int // sizes of inline policies, by role and name
	faults       []*fault
}

func newState() *state {
	return &state{
		associations: map[string][]association{}, tags: map[string]map[string]string{}, policies: map[string]string{},
		instances: map[string]instance{}, descriptions: map[string]string{}, launches: map[string]launch{},
		inline: map[string]map[string]int{},
	}
}

func latest(versions []association) association { return versions[len(versions)-1] }

// association returns the latest version.
func (s *state) association(id string) (association, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	versions, ok := s.associations[id]
	if !ok {
		return association{}, false
	}
	return latest(versions), true
}

// list returns the latest versions of all associations by id.
func (s *state) list() []association {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]association, 0, len(s.associations))
	for _, versions := range s.associations {
		list = append(list, latest(versions))
	}
	slices.SortFunc(list, func(a, b association) int { return cmp.Compare(a.AssociationID, b.AssociationID) })
	return list
}

// runs tells whether an association runs the document.
func (s *state) runs(document string) bool {
	return slices.ContainsFunc(s.list(), func(a association) bool { return a.Name == document })
}
