package gateway

import (
	"cmp"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"webstack/local/runcommand"
)

func (g *Gateway) sendCommand(w http.ResponseWriter, r *http.Request, c call) {
	var in order
	if !c.parse(w, &in) {
		return
	}
	if problem := in.check(); problem != nil {
		c.refuse(w, problem)
		return
	}
	// A document of another account is named by its ARN; in this one both forms are the same document.
	name := path.Base(in.DocumentName)
	found, err := g.documentOf(r, name, cmp.Or(in.DocumentVersion, defaultVersion))
	if err != nil {
		c.unavailable(w, err)
		return
	}
	problem := found.problem
	if problem == nil {
		problem = found.acceptsCommand(in.Parameters)
	}
	var instances []string
	if problem == nil {
		instances, problem, err = g.fleet.targets(r, c.region, in)
	}
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if problem != nil {
		c.refuse(w, problem)
		return
	}
	timeout := defaultDelivery
	if in.TimeoutSeconds != nil {
		timeout = *in.TimeoutSeconds
	}
	sent := &command{
		ID: newUUID(), DocumentName: name, DocumentVersion: cmp.Or(in.DocumentVersion, defaultVersion),
		Comment: in.Comment, InstanceIDs: instances, Targets: in.Targets, Parameters: in.Parameters,
		region: c.region, document: found.Document, requested: g.fleet.now(), timeout: time.Duration(timeout) * time.Second,
	}
	answer := sent.show()
	answer["Status"], answer["StatusDetails"] = "Pending", "Pending"
	if len(in.InstanceIds) == 0 { // by tags: the machines are determined later
		answer["TargetCount"], answer["InstanceIds"] = 0, []string{}
	}
	g.fleet.dispatch(sent, nil)
	c.answer(w, map[string]any{"Command": answer})
}

// acceptsCommand reports what prevents running the document with those parameters.
func (d foundDocument) acceptsCommand(parameters map[string][]string) *problem {
	if !d.Supported() {
		return wrong("UnsupportedDocumentVersion",
			"The laptop cloud runs documents of schema version 2.2, not %q", d.SchemaVersion)
	}
	size := len(d.content)
	for name, values := range parameters {
		size += len(name) + len(strings.Join(values, ""))
	}
	if size > maxDocument {
		return wrong("MaxDocumentSizeExceeded", "The document and its parameters are larger than %d bytes", maxDocument)
	}
	if err := d.Accepts(parameters); err != nil {
		return wrong("InvalidParameters", "%v", err)
	}
	return nil
}

// targets returns the instances that an order is for.
func (f *fleet) targets(r *http.Request, region string, o order) ([]string, *problem, error) {
	if f.machines == nil {
		return nil, wrong("InvalidInstanceId", "hosts of the laptop cloud have no SSM agent, "+
			"because there is no Docker engine to run machines"), nil
	}
	hosts, err := f.hosts(r.Context(), region)
	if err != nil {
		return nil, nil, err
	}
	if len(o.InstanceIds) == 0 {
		ids := []string{}
		for _, h := range hosts {
			if h.matches(o.Targets) && f.registered(r.Context(), region, h.ID) {
				ids = append(ids, h.ID)
			}
		}
		return ids, nil, nil
	}
	for _, id := range o.InstanceIds {
		if !slices.ContainsFunc(hosts, func(h host) bool { return h.ID == id }) || !f.registered(r.Context(), region, id) {
			return nil, wrong("InvalidInstanceId", "Instances not in a valid state for account: %s", id), nil
		}
	}
	return o.InstanceIds, nil, nil
}

// show returns a command as ListCommands shows it.
func (c *command) show() map[string]any {
	status, detail := c.status()
	var completed, errors, undelivered int
	for _, one := range c.invocations {
		short, detail := one.status()
		if one.ended != "" {
			completed++
		}
		if short == "Failed" || detail == "ExecutionTimedOut" {
			errors++
		}
		if detail == "DeliveryTimedOut" {
			undelivered++
		}
	}
	out := map[string]any{
		"CommandId": c.ID, "DocumentName": c.DocumentName, "DocumentVersion": c.DocumentVersion, "Comment": c.Comment,
		"RequestedDateTime": unix(c.requested), "ExpiresAfter": unix(c.requested.Add(c.timeout)),
		"Status": status, "StatusDetails": detail, "TimeoutSeconds": int(c.timeout.Seconds()),
		"TargetCount": len(c.InstanceIDs), "CompletedCount": completed, "ErrorCount": errors,
		"DeliveryTimedOutCount": undelivered, "MaxConcurrency": "50", "MaxErrors": "0",
		"Parameters": c.Parameters, "Targets": c.Targets, "InstanceIds": c.InstanceIDs,
	}
	if len(c.Targets) > 0 {
		out["InstanceIds"] = []string{}
	}
	return out
}

func (g *Gateway) cancelCommand(w http.ResponseWriter, _ *http.Request, c call) {
	var in struct {
		CommandID   string   `json:"CommandId"`
		InstanceIDs []string `json:"InstanceIds"`
	}
	if !c.parse(w, &in) {
		return
	}
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	found, ok := g.fleet.commands[in.CommandID]
	if !ok || found.region != c.region {
		c.refuse(w, wrong("InvalidCommandId", "The command %s does not exist", in.CommandID))
		return
	}
	for _, id := range in.InstanceIDs {
		if !slices.Contains(found.InstanceIDs, id) {
			c.refuse(w, wrong("InvalidInstanceId", "The command %s was not sent to %s", in.CommandID, id))
			return
		}
	}
	for _, one := range found.invocations {
		if one.ended == "" && (len(in.InstanceIDs) == 0 || slices.Contains(in.InstanceIDs, one.InstanceID)) {
			one.cancelling = true
			one.cancel()
		}
	}
	c.answer(w, struct{}{})
}

// unix returns a time as SSM gives it, in seconds since 1970.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// plugin returns a step of an invocation as ListCommandInvocations shows it.
func plugin(result runcommand.Result) map[string]any {
	status, detail := shown(result.Status)
	out := map[string]any{
		"Name": result.Name, "Status": status, "StatusDetails": detail, "ResponseCode": result.Code,
		"Output": result.Output, "StandardOutputUrl": "", "StandardErrorUrl": "",
	}
	if !result.Start.IsZero() {
		out["ResponseStartDateTime"] = unix(result.Start)
	}
	if !result.End.IsZero() {
		out["ResponseFinishDateTime"] = unix(result.End)
	}
	return out
}
