package gateway

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// association is one of State Manager's, as DescribeAssociation shows it.
type association struct {
	AssociationID           string `json:"AssociationId"`
	AssociationVersion      string
	AssociationName         string              `json:",omitempty"`
	Name                    string              // of the document
	DocumentVersion         string              `json:",omitempty"`
	Targets                 []target            `json:",omitempty"`
	Parameters              map[string][]string `json:",omitempty"`
	ScheduleExpression      string              `json:",omitempty"`
	ApplyOnlyAtCronInterval bool
	MaxErrors               string `json:",omitempty"`
	MaxConcurrency          string `json:",omitempty"`
	ComplianceSeverity      string `json:",omitempty"`
	SyncCompliance          string `json:",omitempty"`
	Date                    float64
	LastUpdated             float64 `json:"LastUpdateAssociationDate"`
	Overview                overview
}

type target struct {
	Key    string
	Values []string
}

// overview says how the last run went.
type overview struct{ Status string }

// tag is one tag in SSM's calls.
type tag struct{ Key, Value string }

// schedules are the forms that State Manager takes; rate at its shortest is 30 minutes, and the service checks the rest.
var schedules = regexp.MustCompile(`^(?:rate\([1-9][0-9]* (?:minutes?|hours?|days?)\)|cron\(\S+(?: \S+){5}\)|at\(\S+\))$`)

// check finds fault with an association as AWS would.
func (a *association) check() (code, problem string) {
	switch {
	case a.ScheduleExpression != "" && !schedules.MatchString(a.ScheduleExpression):
		return "InvalidSchedule", fmt.Sprintf("the schedule %q is not valid", a.ScheduleExpression)
	case a.ApplyOnlyAtCronInterval && !strings.HasPrefix(a.ScheduleExpression, "cron("):
		return "ValidationException", "ApplyOnlyAtCronInterval is supported with cron expressions only"
	case len(a.Targets) == 0 || len(a.Targets) > 5:
		return "InvalidTarget", "give 1 to 5 targets"
	}
	return "", ""
}

func (g *Gateway) createAssociation(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		association
		Tags []tag
	}
	if !c.parse(w, &in) || !g.documentExists(w, r, c, in.Name) {
		return
	}
	made := in.association
	if code, problem := made.check(); code != "" {
		c.fail(w, http.StatusBadRequest, code, "%s", problem)
		return
	}
	now := float64(time.Now().UnixMilli()) / 1000
	made.AssociationID, made.AssociationVersion = newUUID(), "1"
	made.Date, made.LastUpdated, made.Overview = now, now, overview{Status: "Pending"}
	made.DocumentVersion = cmp.Or(made.DocumentVersion, "$DEFAULT")
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	for _, other := range g.state.associations {
		if made.AssociationName != "" && other.AssociationName == made.AssociationName && other.Name == made.Name {
			c.fail(w, http.StatusBadRequest, "AssociationAlreadyExists", "the association %s exists", made.AssociationName)
			return
		}
	}
	g.state.associations[made.AssociationID] = &made
	g.state.tags[made.AssociationID] = map[string]string{}
	for _, t := range in.Tags {
		g.state.tags[made.AssociationID][t.Key] = t.Value
	}
	c.answer(w, map[string]any{"AssociationDescription": made})
}

// documentExists asks moto for the document, and answers the client when there is none.
func (g *Gateway) documentExists(w http.ResponseWriter, r *http.Request, c call, name string) bool {
	var found struct{}
	ok, err := g.ask(r, "DescribeDocument", map[string]string{"Name": name}, &found)
	if err != nil {
		c.fail(w, http.StatusInternalServerError, "InternalServerError", "%v", err)
		return false
	}
	if !ok && !strings.HasPrefix(name, "AWS-") {
		c.fail(w, http.StatusBadRequest, "InvalidDocument", "the document %s does not exist", name)
		return false
	}
	return true
}

func (g *Gateway) updateAssociation(w http.ResponseWriter, c call) {
	var in association
	if !c.parse(w, &in) {
		return
	}
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	old, ok := g.state.associations[in.AssociationID]
	if !ok {
		c.fail(w, http.StatusBadRequest, "AssociationDoesNotExist", "the association %s does not exist", in.AssociationID)
		return
	}
	// What the call leaves out is reset, but for what identifies the association.
	in.Name, in.Date = cmp.Or(in.Name, old.Name), old.Date
	if in.Targets == nil {
		in.Targets = old.Targets
	}
	if code, problem := in.check(); code != "" {
		c.fail(w, http.StatusBadRequest, code, "%s", problem)
		return
	}
	version, err := strconv.Atoi(old.AssociationVersion)
	if err != nil {
		panic("gateway: an association's version is a number: " + err.Error())
	}
	in.AssociationVersion, in.Overview = strconv.Itoa(version+1), overview{Status: "Pending"}
	in.DocumentVersion = cmp.Or(in.DocumentVersion, "$DEFAULT")
	in.LastUpdated = float64(time.Now().UnixMilli()) / 1000
	g.state.associations[in.AssociationID] = &in
	c.answer(w, map[string]any{"AssociationDescription": in})
}

// named is the input of calls about one association.
type named struct {
	AssociationID string `json:"AssociationId"`
}

func (g *Gateway) describeAssociation(w http.ResponseWriter, c call) {
	var in named
	if !c.parse(w, &in) {
		return
	}
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	found, ok := g.state.associations[in.AssociationID]
	if !ok {
		c.fail(w, http.StatusBadRequest, "AssociationDoesNotExist", "the association %s does not exist", in.AssociationID)
		return
	}
	c.answer(w, map[string]any{"AssociationDescription": found})
}

func (g *Gateway) deleteAssociation(w http.ResponseWriter, c call) {
	var in named
	if !c.parse(w, &in) {
		return
	}
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	if _, ok := g.state.associations[in.AssociationID]; !ok {
		c.fail(w, http.StatusBadRequest, "AssociationDoesNotExist", "the association %s does not exist", in.AssociationID)
		return
	}
	delete(g.state.associations, in.AssociationID)
	delete(g.state.tags, in.AssociationID)
	c.answer(w, struct{}{})
}

func (g *Gateway) listAssociations(w http.ResponseWriter, c call) {
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	list := []*association{}
	for _, one := range g.state.associations {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b *association) int { return cmp.Compare(a.AssociationID, b.AssociationID) })
	c.answer(w, map[string]any{"Associations": list})
}

// deleteDocument refuses to delete a document that an association runs.
func (g *Gateway) deleteDocument(w http.ResponseWriter, r *http.Request, c call) {
	var in struct{ Name string }
	if !c.parse(w, &in) {
		return
	}
	g.state.mu.Lock()
	used := false
	for _, one := range g.state.associations {
		used = used || one.Name == in.Name
	}
	g.state.mu.Unlock()
	if used {
		c.fail(w, http.StatusBadRequest, "AssociatedInstances", "disassociate %s from all instances first", in.Name)
		return
	}
	g.moto.ServeHTTP(w, r)
}

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
		c.fail(w, http.StatusBadRequest, "InvalidResourceId", "the association %s does not exist", in.ResourceID)
		return
	}
	for _, t := range in.Tags {
		tags[t.Key] = t.Value
	}
	for _, key := range in.TagKeys {
		delete(tags, key)
	}
	list := []tag{}
	for key, value := range tags {
		list = append(list, tag{key, value})
	}
	slices.SortFunc(list, func(a, b tag) int { return cmp.Compare(a.Key, b.Key) })
	c.answer(w, map[string]any{"TagList": list})
}

// newUUID is a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("gateway: the system has no randomness: " + err.Error()) // never on Linux and macOS
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
