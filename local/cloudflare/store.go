package cloudflare

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Zone is a domain whose records Cloudflare keeps.
type Zone struct {
	// ID is 32 hexadecimal digits, the same in every run of the store.
	ID string
	// Name is the apex: lower case, without a dot at the end.
	Name string
	// CreatedOn is when the zone was created.
	CreatedOn time.Time
	// Serial counts the changes of the zone's records, from 1.
	Serial uint32
}

// Record is a DNS record.
type Record struct {
	ID string
	// Name is fully qualified: lower case, without a dot at the end. Its first label may be *.
	Name string
	// Type is one of Types.
	Type string
	// Content is an address, a host name or a text, by type.
	Content string
	// TTL is in seconds, 60 to 86400, or 1: Cloudflare's choice.
	TTL int
	// Proxied records would be answered with Cloudflare's own addresses; only A, AAAA and CNAME can be.
	Proxied bool
	// Priority is for MX records, 0 to 65535.
	Priority uint16
	// Comment is at most 100 characters long.
	Comment string
	Tags    []string
	// CreatedOn and ModifiedOn are when the record was created and last changed.
	CreatedOn, ModifiedOn time.Time
}

// Store keeps zones with their records in memory. It is safe for concurrent use.
type Store struct {
	mu    sync.RWMutex
	zones map[string]*zone // by id
}

type zone struct {
	Zone
	records []Record // oldest first
}

// NewStore makes a store with zones of those names. It panics on a name that EnsureZone would reject.
func NewStore(zones ...string) *Store {
	s := &Store{zones: map[string]*zone{}}
	for _, name := range zones {
		if _, err := s.EnsureZone(name); err != nil {
			panic(err)
		}
	}
	return s
}

// EnsureZone returns the zone of that name, and creates it if there is none. Unlike Cloudflare, it accepts names of one
// label, so that apps on a laptop can be under localhost. It fails if the name is not a domain name.
func (s *Store) EnsureZone(name string) (Zone, error) {
	name = normal(name)
	if !isDomain(name) {
		return Zone{}, fmt.Errorf("make zone %q: it is not a domain name", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := zoneID(name)
	if s.zones[id] == nil {
		s.zones[id] = &zone{Zone: Zone{ID: id, Name: name, CreatedOn: time.Now().UTC(), Serial: 1}}
	}
	return s.zones[id].Zone, nil
}

// ZoneOf returns the zone that name belongs to, which is the one with the longest apex.
func (s *Store) ZoneOf(name string) (Zone, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for apex := normal(name); ; {
		if found := s.zones[zoneID(apex)]; found != nil {
			return found.Zone, true
		}
		_, parent, ok := strings.Cut(apex, ".")
		if !ok {
			return Zone{}, false
		}
		apex = parent
	}
}

// Records returns the zone's records by name, then type, then age; nil if there is no such zone.
func (s *Store) Records(zoneID string) []Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := s.zones[zoneID]
	if found == nil {
		return nil
	}
	records := slices.Clone(found.records)
	slices.SortStableFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	})
	return records
}

// list returns all zones by name.
func (s *Store) list() []Zone {
	s.mu.RLock()
	defer s.mu.RUnlock()
	zones := make([]Zone, 0, len(s.zones))
	for _, z := range s.zones {
		zones = append(zones, z.Zone)
	}
	slices.SortFunc(zones, func(a, b Zone) int { return cmp.Compare(a.Name, b.Name) })
	return zones
}

// zone returns the zone with that id.
func (s *Store) zone(id string) (Zone, *apiError) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if found := s.zones[id]; found != nil {
		return found.Zone, nil
	}
	return Zone{}, errNoZone
}

// record returns one record of a zone.
func (s *Store) record(zoneID, id string) (Record, *apiError) {
	for _, r := range s.Records(zoneID) {
		if r.ID == id {
			return r, nil
		}
	}
	return Record{}, errNoRecord
}

// create adds a record to a zone.
func (s *Store) create(zoneID string, r Record) (Record, *apiError) {
	return s.change(zoneID, func(z *zone) (Record, *apiError) {
		r.ID, r.CreatedOn = randomID(), time.Now().UTC()
		r.ModifiedOn = r.CreatedOn
		if err := z.accept(&r); err != nil {
			return Record{}, err
		}
		z.records = append(z.records, r)
		return r, nil
	})
}

// update changes a record by edit, which gets a copy of it.
func (s *Store) update(zoneID, id string, edit func(*Record)) (Record, *apiError) {
	return s.change(zoneID, func(z *zone) (Record, *apiError) {
		at := z.index(id)
		if at < 0 {
			return Record{}, errNoRecord
		}
		r := z.records[at]
		edit(&r)
		r.ModifiedOn = time.Now().UTC()
		if err := z.accept(&r); err != nil {
			return Record{}, err
		}
		z.records[at] = r
		return r, nil
	})
}

// remove removes a record from a zone.
func (s *Store) remove(zoneID, id string) *apiError {
	_, err := s.change(zoneID, func(z *zone) (Record, *apiError) {
		at := z.index(id)
		if at < 0 {
			return Record{}, errNoRecord
		}
		z.records = slices.Delete(z.records, at, at+1)
		return Record{}, nil
	})
	return err
}

// change runs apply on a zone, and counts the change if it succeeds.
func (s *Store) change(zoneID string, apply func(*zone) (Record, *apiError)) (Record, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	z := s.zones[zoneID]
	if z == nil {
		return Record{}, errNoZone
	}
	r, err := apply(z)
	if err == nil {
		z.Serial++
	}
	return r, err
}

func (z *zone) index(id string) int {
	return slices.IndexFunc(z.records, func(r Record) bool { return r.ID == id })
}

// zoneID derives a zone's id from its name, so that ids in a stack's state stay valid when the store starts again.
func zoneID(name string) string {
	sum := sha256.Sum256([]byte("zone " + name))
	return hex.EncodeToString(sum[:16])
}

func normal(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
