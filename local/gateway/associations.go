package gateway

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

func (g *Gateway) createAssociation(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		association
		Tags []tag
	}
	if !c.parse(w, &in) || !g.acceptAssociation(w, r, c, &in.association) {
		return
	}
	made := in.association
	made.AssociationID, made.AssociationVersion, made.Overview = newUUID(), "1", pending
	made.Date = now()
	made.LastUpdateAssociationDate = made.Date
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	for _, versions := range g.state.associations {
		other := latest(versions)
		if made.AssociationName != "" && other.AssociationName == made.AssociationName && other.Name == made.Name {
			c.refuse(w, wrong("AssociationAlreadyExists", "The association %s of %s exists", made.AssociationName, made.Name))
			return
		}
	}
	g.state.associations[made.AssociationID] = []association{made}
	g.state.tags[made.AssociationID] = map[string]string{}
	for _, t := range in.Tags {
		g.state.tags[made.AssociationID][t.Key] = t.Value
	}
	c.answer(w, map[string]any{"AssociationDescription": made})
}

// acceptAssociation checks an association by itself and against its document, and answers the client when it is wrong.
func (g *Gateway) acceptAssociation(w http.ResponseWriter, r *http.Request, c call, a *association) bool {
	a.DocumentVersion = cmp.Or(a.DocumentVersion, "$DEFAULT")
	if problem := a.check(); problem != nil {
		c.refuse(w, problem)
		return false
	}
	d, err := g.documentOf(r, a)
	switch {
	case err != nil:
		c.unavailable(w, err)
		return false
	case d == nil:
		return true
	case d.problem != nil:
		c.refuse(w, d.problem)
		return false
	}
	if problem := d.accepts(a.Parameters); problem != nil {
		c.refuse(w, problem)
		return false
	}
	return true
}

// foundDocument is a document, or the reason why there is none.
type foundDocument struct {
	document
	problem *problem
}

// documentOf gets the document that an association runs; nil for those of AWS's own, of which moto has few.
func (g *Gateway) documentOf(r *http.Request, a *association) (*foundDocument, error) {
	in := map[string]string{"Name": a.Name}
	var content struct{ Content string }
	answer, err := g.ask(r, "GetDocument", in, &content)
	if err != nil {
		return nil, err
	}
	if !answer.ok() && strings.HasPrefix(a.Name, "AWS-") {
		return nil, nil
	}
	if !answer.ok() {
		return &foundDocument{problem: wrong("InvalidDocument", "The document %s does not exist", a.Name)}, nil
	}
	if a.DocumentVersion != "$DEFAULT" { // which is what GetDocument gets, and does not know by that name
		in["DocumentVersion"] = a.DocumentVersion
		if answer, err = g.ask(r, "GetDocument", in, &content); err != nil {
			return nil, err
		}
		if !answer.ok() {
			return &foundDocument{problem: wrong("InvalidDocumentVersion", "The document %s has no version %s",
				a.Name, a.DocumentVersion)}, nil
		}
	}
	var found foundDocument
	if err := yaml.Unmarshal([]byte(content.Content), &found.document); err != nil {
		found.problem = wrong("InvalidDocument", "The document %s cannot be read: %v", a.Name, err)
	}
	return &found, nil
}

func (g *Gateway) updateAssociation(w http.ResponseWriter, r *http.Request, c call) {
	var in association
	if !c.parse(w, &in) {
		return
	}
	old, ok := g.state.association(in.AssociationID)
	if !ok {
		c.refuse(w, unknownAssociation(in.AssociationID))
		return
	}
	wanted := in.AssociationVersion
	// What the call leaves out is reset, but for what the association runs and where.
	in.Name, in.Date, in.Overview = cmp.Or(in.Name, old.Name), old.Date, pending
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
	c.answer(w, map[string]any{"AssociationDescription": in})
}

func unknownAssociation(id string) *problem {
	return wrong("AssociationDoesNotExist", "The association %s does not exist", id)
}

// named reads which association a call is about, and answers the client when there is none.
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
	if !ok {
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
		c.answer(w, map[string]any{"AssociationDescription": found})
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

// describeAssociationExecutions lists runs: without agents there are none.
func (g *Gateway) describeAssociationExecutions(w http.ResponseWriter, _ *http.Request, c call) {
	if _, ok := g.named(w, c); ok {
		c.answer(w, map[string]any{"AssociationExecutions": []any{}})
	}
}

// associationFilters are what ListAssociations can filter by.
var associationFilters = map[string]func(association) string{
	"AssociationId":         func(a association) string { return a.AssociationID },
	"AssociationName":       func(a association) string { return a.AssociationName },
	"Name":                  func(a association) string { return a.Name },
	"AssociationStatusName": func(a association) string { return a.Overview.Status },
}

// maxAssociations is how many ListAssociations answers at once.
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
	list := g.state.list()
	for _, filter := range in.AssociationFilterList {
		field, ok := associationFilters[filter.Key]
		if !ok {
			c.refuse(w, wrong("ValidationException", "The laptop cloud has no association filter %q", filter.Key))
			return
		}
		list = slices.DeleteFunc(list, func(a association) bool { return field(a) != filter.Value })
	}
	// A page begins after the id that its token is.
	list = slices.DeleteFunc(list, func(a association) bool { return a.AssociationID <= in.NextToken })
	out := map[string]any{"Associations": list}
	if size := min(cmp.Or(in.MaxResults, maxAssociations), maxAssociations); len(list) > size {
		out["Associations"], out["NextToken"] = list[:size], list[size-1].AssociationID
	}
	c.answer(w, out)
}

// tag is one tag in SSM's calls.
type tag struct{ Key, Value string }

// associationTags keeps the tags of associations and leaves those of everything else to moto.
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

// now is the time as SSM gives it, in seconds since 1970.
func now() float64 { return float64(time.Now().UnixMilli()) / 1000 }

// newUUID is a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("gateway: the system has no randomness: " + err.Error()) // never on Linux and macOS
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
