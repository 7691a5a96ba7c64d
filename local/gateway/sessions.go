package gateway

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	sessionmanager "webstack/local/session"
)

// sessionDocuments are the documents for starting sessions, all of them AWS's own.
var sessionDocuments = map[string]sessionmanager.Kind{
	"SSM-SessionManagerRunShell":     sessionmanager.Shell,
	"AWS-StartInteractiveCommand":    sessionmanager.Interactive,
	"AWS-StartNonInteractiveCommand": sessionmanager.NonInteractive,
}

// defaultSession is the default document of a session.
const defaultSession = "SSM-SessionManagerRunShell"

// portSessions are the documents of AWS's for port forwarding.
var portSessions = []string{
	"AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost", "AWS-StartPortForwardingSessionToSocket",
	"AWS-StartSSHSession",
}

// openSessions creates the session manager if there are machines.
func (g *Gateway) openSessions() {
	if g.machines != nil {
		g.sessions = sessionmanager.New(sessionmanager.Options{Machines: g.machines})
	}
}

// closeSessions ends all sessions.
func (g *Gateway) closeSessions() {
	if g.sessions != nil {
		g.sessions.Close()
	}
}

// serveSession connects a client to its session.
func (g *Gateway) serveSession(w http.ResponseWriter, r *http.Request) call {
	c := call{service: "ssmmessages", action: "OpenDataChannel"}
	if g.sessions == nil {
		http.NotFound(w, r)
		return c
	}
	g.sessions.ServeHTTP(w, r)
	return c
}

// startSession creates a session on a machine; the client then opens a WebSocket to it.
func (g *Gateway) startSession(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		Target, DocumentName, Reason string
		Parameters                   map[string][]string
	}
	if !c.parse(w, &in) {
		return
	}
	spec := sessionmanager.Spec{
		Target: in.Target, Document: cmp.Or(in.DocumentName, defaultSession), Reason: in.Reason,
	}
	if p := chooseSession(&spec, in.Parameters); p != nil {
		c.refuse(w, p)
		return
	}
	connected, err := g.connected(r, c, in.Target)
	if err == nil && connected {
		spec.Owner, err = g.callerArn(r, c)
	}
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if !connected {
		c.refuse(w, wrong("TargetNotConnected", "%s is not connected.", in.Target))
		return
	}
	if err := g.fleet.may(r.Context(), c.region, in.Target, channelNeeds...); err != nil {
		c.refuse(w, wrong("TargetNotConnected", "%s is not connected: its agent cannot open a data channel: %v", in.Target, err))
		return
	}
	id, token := g.sessions.Start(spec)
	c.answer(w, sessionAnswer(r, id, token))
}

// channelNeeds are the permissions that an agent needs for a session. On AWS the session starts without them, but has
// no output.
var channelNeeds = []demand{
	{action: "ssmmessages:CreateDataChannel", resource: anything}, {action: "ssmmessages:OpenDataChannel", resource: anything},
}

// sessionAnswer tells a client where its session is.
func sessionAnswer(r *http.Request, id, token string) map[string]any {
	if token == "" {
		return map[string]any{"SessionId": id}
	}
	return map[string]any{
		"SessionId": id, "TokenValue": token,
		"StreamUrl": "ws://" + r.Host + sessionmanager.Path + id + "?role=publish_subscribe",
	}
}

// chooseSession determines what the document runs, and what is wrong with the parameters.
func chooseSession(spec *sessionmanager.Spec, parameters map[string][]string) *problem {
	kind, known := sessionDocuments[spec.Document]
	switch {
	case slices.Contains(portSessions, spec.Document):
		return wrong("InvalidDocument", "the laptop cloud does not forward ports: the host's published ports answer at the "+
			"addresses that webstack-local status prints; reach others from a shell on the host")
	case !known:
		return wrong("InvalidDocument", "Document with name %s does not exist.", spec.Document)
	}
	spec.Kind = kind
	for name, values := range parameters {
		if name != "command" || kind == sessionmanager.Shell {
			return wrong("InvalidParameters", "The parameter %s is not in the document %s", name, spec.Document)
		}
		spec.Command = strings.Join(values, "\n")
	}
	if kind != sessionmanager.Shell && strings.TrimSpace(spec.Command) == "" {
		return wrong("InvalidParameters", "The document %s needs the parameter command", spec.Document)
	}
	return nil
}

// connected reports whether an instance of the call's region is running and answers.
func (g *Gateway) connected(r *http.Request, c call, id string) (bool, error) {
	if g.sessions == nil {
		return false, nil
	}
	hosts, err := g.fleet.hosts(r.Context(), c.region)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(hosts, func(h host) bool { return h.ID == id }) && g.fleet.online(r.Context(), c.region, id), nil
}

// callerArn returns the ARN of a call's caller.
func (g *Gateway) callerArn(r *http.Request, c call) (string, error) {
	g.issued.mu.Lock()
	s, known := g.issued.sessions[c.key]
	g.issued.mu.Unlock()
	if known {
		return s.arn(), nil
	}
	var out struct {
		Arn string `xml:"GetCallerIdentityResult>Arn"`
	}
	err := g.readForm(r.Context(), c.region, "sts", "GetCallerIdentity", url.Values{}, &out)
	return out.Arn, err
}

func (g *Gateway) resumeSession(w http.ResponseWriter, r *http.Request, c call) {
	g.onSession(w, c, func(id string) (map[string]any, error) {
		token, err := g.sessions.Resume(id)
		return sessionAnswer(r, id, token), err
	})
}

func (g *Gateway) terminateSession(w http.ResponseWriter, _ *http.Request, c call) {
	g.onSession(w, c, func(id string) (map[string]any, error) {
		return map[string]any{"SessionId": id}, g.sessions.Terminate(id)
	})
}

// onSession does something with the session that a call names.
func (g *Gateway) onSession(w http.ResponseWriter, c call, do func(id string) (map[string]any, error)) {
	var in struct {
		SessionID string `json:"SessionId"`
	}
	if !c.parse(w, &in) {
		return
	}
	out, err := map[string]any(nil), sessionmanager.ErrUnknown
	if g.sessions != nil {
		out, err = do(in.SessionID)
	}
	if errors.Is(err, sessionmanager.ErrUnknown) {
		c.refuse(w, wrong("DoesNotExistException", "Session %s does not exist.", in.SessionID))
		return
	}
	c.answer(w, out)
}

func (g *Gateway) describeSessions(w http.ResponseWriter, _ *http.Request, c call) {
	var in struct {
		State      string
		MaxResults int
		NextToken  string
		Filters    []struct{ Key, Value string }
	}
	if !c.parse(w, &in) {
		return
	}
	if in.State != "Active" && in.State != "History" {
		c.refuse(w, wrong("ValidationException", "State must be Active or History, not '%s'", in.State))
		return
	}
	list := []any{}
	if g.sessions != nil {
		for _, s := range g.sessions.List() {
			if s.Ended.IsZero() != (in.State == "Active") {
				continue
			}
			passes := true
			for _, filter := range in.Filters {
				pass, p := sessionPasses(s, filter.Key, filter.Value)
				if p != nil {
					c.refuse(w, p)
					return
				}
				passes = passes && pass
			}
			if passes {
				list = append(list, showSession(s))
			}
		}
	}
	c.page(w, "Sessions", list, in.MaxResults, in.NextToken)
}

// sessionPasses reports whether a session matches a filter of DescribeSessions.
func sessionPasses(s sessionmanager.Info, key, value string) (bool, *problem) {
	switch key {
	case "SessionId":
		return s.ID == value, nil
	case "Target":
		return s.Target == value, nil
	case "Owner":
		return s.Owner == value, nil
	case "Status":
		return string(s.Status) == value, nil
	case "InvokedAfter", "InvokedBefore":
		than, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return false, wrong("InvalidFilterKey",
				"The value of %s must be a time such as 2026-05-04T00:00:00Z, not %s", key, value)
		}
		return s.Started.After(than) == (key == "InvokedAfter"), nil
	}
	return false, wrong("InvalidFilterKey", "The filter %s is not valid for sessions", key)
}

func showSession(s sessionmanager.Info) map[string]any {
	shown := map[string]any{
		"SessionId": s.ID, "Target": s.Target, "Status": string(s.Status), "StartDate": unix(s.Started),
		"DocumentName": s.Document, "Owner": s.Owner, "Reason": s.Reason, "Details": s.Details,
		"OutputUrl": map[string]any{},
	}
	if !s.Ended.IsZero() {
		shown["EndDate"] = unix(s.Ended)
	}
	return shown
}
