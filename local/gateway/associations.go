package gateway

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (g *Gateway) createAssociation(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		association
		Tags []tag
	}
	if !c.parse(w, &in) {
		return
	}
	g.state.documents.Lock()
	defer g.state.documents.Unlock()
	if !g.acceptAssociation(w, r, c, &in.association) {
		return
	}
	made := in.association
	made.region = c.region
	made.AssociationID, made.AssociationVersion = newUUID(), "1"
	made.Date = now()
	made.LastUpdateAssociationDate = made.Date
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	for _, versions := range g.state.associations {
		other := latest(versions)
		if made.AssociationName != "" && other.AssociationName == made.AssociationName && other.Name == made.Name &&
			other.region == made.region {
			c.refuse(w, wrong("AssociationAlreadyExists", "The association %s of %s already exists",
				made.AssociationName, made.Name))
			return
		}
	}
	g.state.associations[made.AssociationID] = []association{made}
	g.state.tags[made.AssociationID] = map[string]string{}
	for _, t := range in.Tags {
		g.state.tags[made.AssociationID][t.Key] = t.Value
	}
	g.fleet.manage(made.AssociationID)
	c.answer(w, map[string]any{"AssociationDescription": g.fleet.shown(made)})
}

// acceptAssociation checks an association alone and against its document, and answers the client if it is invalid.
func (g *Gateway) acceptAssociation(w http.ResponseWriter, r *http.Request, c call, a *association) bool {
	a.DocumentVersion = cmp.Or(a.DocumentVersion, defaultVersion)
	if problem := a.check(); problem != nil {
		c.refuse(w, problem)
		return false
	}
	found, err := g.documentOf(r, a.Name, a.DocumentVersion)
	if err != nil {
		c.unavailable(w, err)
		return false
	}
	problem := found.problem
	if problem == nil {
		if err := found.Accepts(a.Parameters); err != nil {
			problem = wrong("InvalidParameters", "%v", err)
		}
	}
	if problem != nil {
		c.refuse(w, problem)
		return false
	}
	return true
}

func (g *Gateway) updateAssociation(w http.ResponseWriter, r *http.Request, c call) {
	var in association
	if !c.parse(w, &in) {
		return
	}
	g.state.documents.Lock()
	defer g.state.documents.Unlock()
	old, ok := g.state.association(c.region, in.AssociationID)
	if !ok {
		c.refuse(w, unknownAssociation(in.AssociationID))
		return
	}
	wanted := in.AssociationVersion
	// Fields that the call omits are reset, except what the association runs and where.
	in.Name, in.Date, in.region = cmp.Or(in.Name, old.Name), old.Date, old.region
	if in.Targets == nil {
		in.Targets = old.Targets
	}
	if !g.acceptAssociation(w, r, c, &in) {
		return
	}
	in.LastUpdateAssociationDate = now()
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	versions, ok := g.state.associations[in.AssociationID]
	if !ok { // deleted meanwhile
		c.refuse(w, unknownAssociation(in.AssociationID))
		return
	}
	if current := latest(versions).AssociationVersion; wanted != "" && wanted != "$LATEST" && wanted != current {
		c.refuse(w, wrong("InvalidAssociationVersion", "The latest version is %s, not %s", current, wanted))
		return
	}
	in.AssociationVersion = strconv.Itoa(len(versions) + 1)
	g.state.associations[in.AssociationID] = append(versions, in)
	g.fleet.wake()
	c.answer(w, map[string]any{"AssociationDescription": g.fleet.shown(in)})
}

func unknownAssociation(id string) *problem {
	return wrong("AssociationDoesNotExist", "The association %s does not exist", id)
}

// named returns the association that a call is about, and answers the client if there is none.
func (g *Gateway) named(w http.ResponseWriter, c call) (association, bool) {
	var in struct {
		AssociationID      string `json:"AssociationId"`
		AssociationVersion string
	}
	if !c.parse(w, &in) {
		return association{}, false
	}
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	versions, ok := g.state.associations[in.AssociationID]
	if !ok || latest(versions).region != c.region {
		c.refuse(w, unknownAssociation(in.AssociationID))
		return association{}, false
	}
	for _, one := range versions {
		if in.AssociationVersion == one.AssociationVersion {
			return one, true
		}
	}
	if in.AssociationVersion != "" && in.AssociationVersion != "$LATEST" {
		c.refuse(w, wrong("InvalidAssociationVersion", "The association has no version %s", in.AssociationVersion))
		return association{}, false
	}
	return latest(versions), true
}

func (g *Gateway) describeAssociation(w http.ResponseWriter, _ *http.Request, c call) {
	if found, ok := g.named(w, c); ok {
		c.answer(w, map[string]any{"AssociationDescription": g.fleet.shown(found)})
	}
}

func (g *Gateway) deleteAssociation(w http.ResponseWriter, _ *http.Request, c call) {
	found, ok := g.named(w, c)
	if !ok {
		return
	}
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	delete(g.state.associations, found.AssociationID)
	delete(g.state.tags, found.AssociationID)
	g.fleet.unmanage(found.AssociationID)
	c.answer(w, struct{}{})
}

func (g *Gateway) listAssociationVersions(w http.ResponseWriter, _ *http.Request, c call) {
	found, ok := g.named(w, c)
	if !ok {
		return
	}
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	c.answer(w, map[string]any{"AssociationVersions": g.state.associations[found.AssociationID]})
}

// associationFilters are what ListAssociations can filter by.
var associationFilters = map[string]func(association) string{
	"AssociationId":         func(a association) string { return a.AssociationID },
	"AssociationName":       func(a association) string { return a.AssociationName },
	"Name":                  func(a association) string { return a.Name },
	"AssociationStatusName": func(a association) string { return a.Overview.Status },
}

// maxAssociations is how many associations ListAssociations returns at once.
const maxAssociations = 50

func (g *Gateway) listAssociations(w http.ResponseWriter, _ *http.Request, c call) {
	var in struct {
		AssociationFilterList []struct {
			Key   string `json:"key"`
			Value string `json:"value"`
		}
		MaxResults int
		NextToken  string
	}
	if !c.parse(w, &in) {
		return
	}
	list := g.state.list(c.region)
	for i := range list {
		list[i] = g.fleet.shown(list[i])
	}
	for _, filter := range in.AssociationFilterList {
		field, ok := associationFilters[filter.Key]
		if !ok {
			c.refuse(w, wrong("ValidationException", "The laptop cloud does not support the association filter %q", filter.Key))
			return
		}
		list = slices.DeleteFunc(list, func(a association) bool { return field(a) != filter.Value })
	}
	// A page begins after the id in its token.
	list = slices.DeleteFunc(list, func(a association) bool { return a.AssociationID <= in.NextToken })
	out := map[string]any{"Associations": list}
	if size := min(cmp.Or(in.MaxResults, maxAssociations), maxAssociations); len(list) > size {
		out["Associations"], out["NextToken"] = list[:size], list[size-1].AssociationID
	}
	c.answer(w, out)
}

// tag is one tag in SSM's calls.
type tag struct{ Key, Value string }

// associationTags keeps the tags of associations and leaves all others to moto.
func (g *Gateway) associationTags(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		ResourceType string
		ResourceID   string `json:"ResourceId"`
		Tags         []tag
		TagKeys      []string
	}
	if !c.parse(w, &in) {
		return
	}
	if in.ResourceType != "Association" {
		g.moto.ServeHTTP(w, r)
		return
	}
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	tags, ok := g.state.tags[in.ResourceID]
	if !ok {
		c.refuse(w, wrong("InvalidResourceId", "The resource ID %s is not valid", in.ResourceID))
		return
	}
	for _, t := range in.Tags {
		tags[t.Key] = t.Value
	}
	for _, key := range in.TagKeys {
		delete(tags, key)
	}
	if c.action != "ListTagsForResource" {
		c.answer(w, struct{}{})
		return
	}
	list := []tag{}
	for key, value := range tags {
		list = append(list, tag{key, value})
	}
	slices.SortFunc(list, func(a, b tag) int { return cmp.Compare(a.Key, b.Key) })
	c.answer(w, map[string]any{"TagList": list})
}

// now returns the time as SSM gives it, in seconds since 1970.
func now() float64 { return float64(time.Now().UnixMilli()) / 1000 }

// newUUID returns a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("gateway: the system has no randomness: " + err.Error()) // never on Linux and macOS
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
