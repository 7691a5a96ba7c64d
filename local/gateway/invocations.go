package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"webstack/local/runcommand"
)

// minPluginName is how long the name of a step must be for GetCommandInvocation to accept it.
const minPluginName = 4

// isoTime is the format of times in GetCommandInvocation.
const isoTime = "2006-01-02T15:04:05.000Z"

func (g *Gateway) getCommandInvocation(w http.ResponseWriter, _ *http.Request, c call) {
	var in struct {
		CommandID  string `json:"CommandId"`
		InstanceID string `json:"InstanceId"`
		PluginName string
	}
	if !c.parse(w, &in) {
		return
	}
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	one := g.fleet.invocation(c.region, in.CommandID, in.InstanceID)
	if one == nil {
		c.refuse(w, wrong("InvocationDoesNotExist", "The command %s was not sent to %s", in.CommandID, in.InstanceID))
		return
	}
	index, problem := one.named(in.PluginName)
	if problem != nil {
		c.refuse(w, problem)
		return
	}
	c.answer(w, one.detailed(index))
}

// invocation returns a command on a machine; nil if there is none. The fleet must be locked.
func (f *fleet) invocation(region, commandID, instanceID string) *invocation {
	found, ok := f.commands[commandID]
	if !ok || found.region != region {
		return nil
	}
	for _, one := range found.invocations {
		if one.InstanceID == instanceID {
			return one
		}
	}
	return nil
}

// named returns a step by its name, which may be omitted if there is only one step.
func (i *invocation) named(name string) (int, *problem) {
	if name != "" && len(name) < minPluginName {
		return 0, wrong("ValidationException", "PluginName %q has fewer than %d characters", name, minPluginName)
	}
	if name == "" && len(i.results) == 1 {
		return 0, nil
	}
	for index, result := range i.results {
		if result.Name == name || strings.EqualFold(result.Action, name) && len(i.results) == 1 {
			return index, nil
		}
	}
	return 0, wrong("InvalidPluginName", "Give the name of one of the document's %d steps, not %q", len(i.results), name)
}

// detailed returns a step of an invocation as GetCommandInvocation shows it.
func (i *invocation) detailed(index int) map[string]any {
	result := i.results[index]
	status, detail := shown(result.Status)
	if result.Status == runcommand.Pending { // a step that will not start ends like its document
		status, detail = i.status()
		if status == "InProgress" {
			status, detail = "Pending", "Pending"
		}
	}
	out := map[string]any{
		"CommandId": i.command.ID, "InstanceId": i.InstanceID, "Comment": i.command.Comment,
		"DocumentName": i.command.DocumentName, "DocumentVersion": i.command.DocumentVersion,
		"PluginName": result.Name, "ResponseCode": result.Code, "Status": status, "StatusDetails": detail,
		"StandardOutputContent":  result.Stdout,
		"StandardErrorContent":   runcommand.FirstCharacters(result.Stderr, runcommand.MaxStderr),
		"StandardOutputUrl":      "",
		"StandardErrorUrl":       "",
		"CloudWatchOutputConfig": map[string]any{"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
		"ExecutionStartDateTime": "", "ExecutionEndDateTime": "", "ExecutionElapsedTime": "",
	}
	if !result.Start.IsZero() {
		out["ExecutionStartDateTime"] = result.Start.UTC().Format(isoTime)
	}
	if !result.End.IsZero() {
		out["ExecutionEndDateTime"] = result.End.UTC().Format(isoTime)
		out["ExecutionElapsedTime"] = "PT" +
			strconv.FormatFloat(result.End.Sub(result.Start).Round(time.Millisecond).Seconds(), 'f', -1, 64) + "S"
	}
	return out
}

// listing is the input of ListCommands and ListCommandInvocations.
type listing struct {
	CommandID  string `json:"CommandId"`
	InstanceID string `json:"InstanceId"`
	Details    bool
	Filters    []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	MaxResults int
	NextToken  string
}

// matches reports whether a command, or an invocation of it, is selected.
func (l listing) matches(c *command, status, detail string) (bool, *problem) {
	if l.CommandID != "" && c.ID != l.CommandID || l.CommandID == "" && c.association != "" ||
		l.InstanceID != "" && !slices.Contains(c.InstanceIDs, l.InstanceID) {
		return false, nil
	}
	for _, filter := range l.Filters {
		holds := false
		switch filter.Key {
		case "Status":
			holds = filter.Value == status || filter.Value == detail
		case "DocumentName":
			holds = filter.Value == c.DocumentName
		case "InvokedAfter", "InvokedBefore":
			moment, err := time.Parse(time.RFC3339, filter.Value)
			if err != nil {
				return false, wrong("InvalidFilterValue", "The filter %s needs a time such as 2026-01-31T00:00:00Z", filter.Key)
			}
			holds = c.requested.After(moment) == (filter.Key == "InvokedAfter")
		default:
			return false, wrong("InvalidFilterKey", "The laptop cloud does not support the filter %q for commands", filter.Key)
		}
		if !holds {
			return false, nil
		}
	}
	return true, nil
}

func (g *Gateway) listCommands(w http.ResponseWriter, _ *http.Request, c call) {
	g.list(w, c, "Commands", func(in listing, found *command) ([]any, *problem) {
		status, detail := found.status()
		if ok, problem := in.matches(found, status, detail); !ok {
			return nil, problem
		}
		return []any{found.show()}, nil
	})
}

func (g *Gateway) listCommandInvocations(w http.ResponseWriter, _ *http.Request, c call) {
	g.list(w, c, "CommandInvocations", func(in listing, found *command) ([]any, *problem) {
		var list []any
		for _, one := range found.invocations {
			status, detail := one.status()
			ok, problem := in.matches(found, status, detail)
			if problem != nil {
				return nil, problem
			}
			if ok && (in.InstanceID == "" || in.InstanceID == one.InstanceID) {
				list = append(list, one.show(in.Details))
			}
		}
		return list, nil
	})
}

// list answers with a page of a region's commands, the newest first.
func (g *Gateway) list(w http.ResponseWriter, c call, name string, of func(listing, *command) ([]any, *problem)) {
	var in listing
	if !c.parse(w, &in) {
		return
	}
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	if _, ok := g.fleet.commands[in.CommandID]; in.CommandID != "" && !ok {
		c.refuse(w, wrong("InvalidCommandId", "The command %s does not exist", in.CommandID))
		return
	}
	list := []any{}
	for _, found := range slices.Backward(g.fleet.history) {
		if found.region != c.region {
			continue
		}
		some, problem := of(in, found)
		if problem != nil {
			c.refuse(w, problem)
			return
		}
		list = append(list, some...)
	}
	c.page(w, name, list, in.MaxResults, in.NextToken)
}

// maxPage is the most entries of a list in one answer.
const maxPage = 50

// page answers with a page of a list: its token is where it begins.
func (c call) page(w http.ResponseWriter, name string, list []any, size int, token string) {
	begin, err := strconv.Atoi(cmp.Or(token, "0"))
	if err != nil || begin < 0 || begin > len(list) {
		c.refuse(w, wrong("InvalidNextToken", "The token %q is not valid", token))
		return
	}
	end := min(begin+min(cmp.Or(size, maxPage), maxPage), len(list))
	out := map[string]any{name: list[begin:end]}
	if end < len(list) {
		out["NextToken"] = fmt.Sprint(end)
	}
	c.answer(w, out)
}

// show returns an invocation as ListCommandInvocations shows it.
func (i *invocation) show(details bool) map[string]any {
	status, detail := i.status()
	plugins := []any{}
	for _, result := range i.results {
		if details && result.Status != runcommand.Pending {
			plugins = append(plugins, plugin(result))
		}
	}
	return map[string]any{
		"CommandId": i.command.ID, "InstanceId": i.InstanceID, "Comment": i.command.Comment,
		"DocumentName": i.command.DocumentName, "DocumentVersion": i.command.DocumentVersion,
		"RequestedDateTime": unix(i.command.requested), "Status": status, "StatusDetails": detail,
		"TraceOutput": i.trace, "StandardOutputUrl": "", "StandardErrorUrl": "", "CommandPlugins": plugins,
	}
}
