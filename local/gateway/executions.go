package gateway

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// executionQuery is a query about the runs of an association.
type executionQuery struct {
	ExecutionID string `json:"ExecutionId"`
	Filters     []struct{ Key, Value, Type string }
	MaxResults  int
	NextToken   string
}

// holds reports whether these fields match the filters.
func (q executionQuery) holds(fields map[string]string) (bool, *problem) {
	for _, filter := range q.Filters {
		value, ok := fields[filter.Key]
		if !ok {
			return false, wrong("ValidationException",
				"The laptop cloud does not support the filter %q for executions", filter.Key)
		}
		passes := value == filter.Value
		if filter.Type == "LESS_THAN" || filter.Type == "GREATER_THAN" {
			is, err := strconv.ParseFloat(value, 64)
			than, thanErr := strconv.ParseFloat(filter.Value, 64)
			passes = err == nil && thanErr == nil && (is < than) == (filter.Type == "LESS_THAN") && is != than
		}
		if !passes {
			return false, nil
		}
	}
	return true, nil
}

func (g *Gateway) describeAssociationExecutions(w http.ResponseWriter, _ *http.Request, c call) {
	var in executionQuery
	found, ok := g.named(w, c)
	if !ok || !c.parse(w, &in) {
		return
	}
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	list := []any{}
	for _, run := range slices.Backward(g.fleet.executions(found.AssociationID)) {
		status, detail, counts := run.status()
		holds, problem := in.holds(map[string]string{
			"ExecutionId": run.id, "Status": status, "CreatedTime": fmt.Sprint(unix(run.created)),
		})
		if problem != nil {
			c.refuse(w, problem)
			return
		}
		if holds {
			list = append(list, map[string]any{
				"AssociationId": found.AssociationID, "AssociationVersion": run.version, "ExecutionId": run.id,
				"Status": status, "DetailedStatus": detail, "CreatedTime": unix(run.created),
				"LastExecutionDate": unix(run.created), "ResourceCountByStatus": counted(counts),
			})
		}
	}
	c.page(w, "AssociationExecutions", list, in.MaxResults, in.NextToken)
}

// executions returns the runs of an association. The fleet is locked.
func (f *fleet) executions(association string) []*execution {
	if kept, ok := f.managed[association]; ok {
		return kept.executions
	}
	return nil
}

// counted formats counts as State Manager does.
func counted(counts map[string]int) string {
	var list []string
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%s=%d", status, counts[status]))
	}
	return "{" + strings.Join(list, ", ") + "}"
}

func (g *Gateway) describeAssociationExecutionTargets(w http.ResponseWriter, _ *http.Request, c call) {
	var in executionQuery
	found, ok := g.named(w, c)
	if !ok || !c.parse(w, &in) {
		return
	}
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	for _, run := range g.fleet.executions(found.AssociationID) {
		if run.id != in.ExecutionID {
			continue
		}
		list := []any{}
		for _, id := range slices.Sorted(maps.Keys(run.targets)) {
			on := run.targets[id]
			holds, problem := in.holds(map[string]string{
				"Status": on.status, "ResourceId": id, "ResourceType": "ManagedInstance",
			})
			if problem != nil {
				c.refuse(w, problem)
				return
			}
			if !holds {
				continue
			}
			one := map[string]any{
				"AssociationId": found.AssociationID, "AssociationVersion": run.version, "ExecutionId": run.id,
				"ResourceId": id, "ResourceType": "ManagedInstance", "Status": on.status, "DetailedStatus": on.detail,
				"LastExecutionDate": unix(on.date),
			}
			if on.command != "" {
				one["OutputSource"] = map[string]string{"OutputSourceId": on.command, "OutputSourceType": "RunCommand"}
			}
			list = append(list, one)
		}
		c.page(w, "AssociationExecutionTargets", list, in.MaxResults, in.NextToken)
		return
	}
	c.refuse(w, wrong("AssociationExecutionDoesNotExist", "The association %s has no execution %s",
		found.AssociationID, in.ExecutionID))
}

func (g *Gateway) startAssociationsOnce(w http.ResponseWriter, _ *http.Request, c call) {
	var in struct {
		AssociationIDs []string `json:"AssociationIds"`
	}
	if !c.parse(w, &in) {
		return
	}
	if len(in.AssociationIDs) == 0 || len(in.AssociationIDs) > 10 {
		c.refuse(w, wrong("ValidationException", "Give 1 to 10 AssociationIds"))
		return
	}
	for _, id := range in.AssociationIDs {
		if _, ok := g.state.association(c.region, id); !ok {
			c.refuse(w, unknownAssociation(id))
			return
		}
	}
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	for _, id := range in.AssociationIDs {
		if kept, ok := g.fleet.managed[id]; ok {
			kept.requests++
		}
	}
	g.fleet.wake()
	c.answer(w, struct{}{})
}

// associationsOn returns the associations of a machine, or answers the client that there is no such machine.
func (g *Gateway) associationsOn(w http.ResponseWriter, r *http.Request, c call) (string, []association, bool) {
	var in struct {
		InstanceID string `json:"InstanceId"`
	}
	if !c.parse(w, &in) {
		return "", nil, false
	}
	hosts, err := g.fleet.hosts(r.Context(), c.region)
	if err != nil {
		c.unavailable(w, err)
		return "", nil, false
	}
	index := slices.IndexFunc(hosts, func(h host) bool { return h.ID == in.InstanceID })
	if index < 0 || !g.fleet.registered(r.Context(), c.region, in.InstanceID) {
		c.refuse(w, wrong("InvalidInstanceId", "The instance %s has no SSM agent", in.InstanceID))
		return "", nil, false
	}
	list := slices.DeleteFunc(g.state.list(c.region), func(a association) bool { return !hosts[index].matches(a.Targets) })
	return in.InstanceID, list, true
}

func (g *Gateway) describeInstanceAssociationsStatus(w http.ResponseWriter, r *http.Request, c call) {
	id, associations, ok := g.associationsOn(w, r, c)
	if !ok {
		return
	}
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	list := []any{}
	for _, a := range associations {
		info := map[string]any{
			"AssociationId": a.AssociationID, "AssociationVersion": a.AssociationVersion, "AssociationName": a.AssociationName,
			"Name": a.Name, "DocumentVersion": a.DocumentVersion, "InstanceId": id,
			"Status": "Pending", "DetailedStatus": "Pending",
		}
		kept, ok := g.fleet.managed[a.AssociationID]
		if ok && kept.targets[id] != nil && kept.targets[id].last != nil {
			on := kept.targets[id].last
			info["Status"], info["DetailedStatus"], info["ExecutionDate"] = on.status, on.detail, unix(on.date)
			info["ExecutionSummary"], info["ErrorCode"], info["AssociationVersion"] = on.summary, on.errorCode, on.version
		}
		list = append(list, info)
	}
	c.answer(w, map[string]any{"InstanceAssociationStatusInfos": list})
}

func (g *Gateway) describeEffectiveInstanceAssociations(w http.ResponseWriter, r *http.Request, c call) {
	id, associations, ok := g.associationsOn(w, r, c)
	if !ok {
		return
	}
	list := []any{}
	for _, a := range associations {
		found, err := g.documentOf(r, a.Name, a.DocumentVersion)
		if err != nil {
			c.unavailable(w, err)
			return
		}
		list = append(list, map[string]any{
			"AssociationId": a.AssociationID, "AssociationVersion": a.AssociationVersion, "InstanceId": id,
			"Content": found.content,
		})
	}
	c.answer(w, map[string]any{"Associations": list})
}
