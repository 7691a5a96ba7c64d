package gateway

import (
	"cmp"
	"slices"
	"sync"
)

// state is the state that the gateway keeps because moto does not.
type state struct {
	mu           sync.Mutex
	documents    sync.Mutex               // held while an association and its document must agree
	associations map[string][]association // versions by id, the oldest first
	tags         map[string]map[string]string
	policies     map[string]string         // by bucket
	instances    map[string]instance       // by id
	descriptions map[string]string         // of rules about security groups, by rule id
	launching    sync.Mutex                // held over a launch; guards launches
	launches     map[string]launch         // by client token
	inline       map[string]map[string]int // sizes of inline policies, by role and name
	elastic      map[string]bool           // addresses that were given out
	faults       []*fault
}

func newState() *state {
	return &state{
		associations: map[string][]association{}, tags: map[string]map[string]string{}, policies: map[string]string{},
		instances: map[string]instance{}, descriptions: map[string]string{}, launches: map[string]launch{},
		inline: map[string]map[string]int{}, elastic: map[string]bool{},
	}
}

func latest(versions []association) association { return versions[len(versions)-1] }

// association returns the latest version.
func (s *state) association(region, id string) (association, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	versions, ok := s.associations[id]
	if !ok || latest(versions).region != region {
		return association{}, false
	}
	return latest(versions), true
}

// list returns the latest versions of a region's associations by id; of all regions' for "".
func (s *state) list(region string) []association {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]association, 0, len(s.associations))
	for _, versions := range s.associations {
		if one := latest(versions); region == "" || one.region == region {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b association) int { return cmp.Compare(a.AssociationID, b.AssociationID) })
	return list
}

// runs reports whether an association of the region runs the document.
func (s *state) runs(region, document string) bool {
	return slices.ContainsFunc(s.list(region), func(a association) bool { return a.Name == document })
}
