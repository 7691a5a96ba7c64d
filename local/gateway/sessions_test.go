package gateway

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/coder/websocket"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, target := t.Context(), r.launch("sessions")
	started := ask(r.ssm.StartSession(ctx, &ssm.StartSessionInput{Target: &target, Reason: aws.String("a look")})).must(t)
	if !strings.HasPrefix(*started.StreamUrl, "ws://127.0.0.1:") || !strings.Contains(*started.StreamUrl, *started.SessionId) ||
		*started.TokenValue == "" {
		t.Errorf("started: %s", *started.StreamUrl)
	}
	conn, response, err := websocket.Dial(ctx, *started.StreamUrl, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	defer func() { _ = conn.CloseNow() }()
	if err := conn.Write(ctx, websocket.MessageText, []byte(`{"TokenValue": "wrong"}`)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("with a wrong token: %v", err)
	}
	resumed := ask(r.ssm.ResumeSession(ctx, &ssm.ResumeSessionInput{SessionId: started.SessionId})).must(t)
	if *resumed.TokenValue == *started.TokenValue || *resumed.StreamUrl != *started.StreamUrl {
		t.Errorf("resumed: %s", *resumed.StreamUrl)
	}
	list := func(state types.SessionState, filters ...types.SessionFilter) []types.Session {
		return ask(r.ssm.DescribeSessions(ctx, &ssm.DescribeSessionsInput{State: state, Filters: filters})).must(t).Sessions
	}
	active := list(types.SessionStateActive)
	if len(active) != 1 || *active[0].SessionId != *started.SessionId || *active[0].Target != target ||
		*active[0].DocumentName != "SSM-SessionManagerRunShell" || *active[0].Reason != "a look" ||
		active[0].Status != types.SessionStatusConnecting || active[0].EndDate != nil ||
		!strings.HasPrefix(*active[0].Owner, "arn:aws:") {
		t.Errorf("active: %+v", active)
	}
	for key, values := range map[types.SessionFilterKey][2]string{
		types.SessionFilterKeyTargetId: {target, "i-1"}, types.SessionFilterKeySessionId: {*started.SessionId, "x"},
		types.SessionFilterKeyStatus: {"Connecting", "Connected"}, types.SessionFilterKeyOwner: {*active[0].Owner, "x"},
		types.SessionFilterKeyInvokedAfter:  {"2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"},
		types.SessionFilterKeyInvokedBefore: {"2999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"},
	} {
		for i, value := range values {
			found := list(types.SessionStateActive, types.SessionFilter{Key: key, Value: &value})
			if len(found) != 1-i {
				t.Errorf("with %s %s there are %d", key, value, len(found))
			}
		}
	}
	ask(r.ssm.TerminateSession(ctx, &ssm.TerminateSessionInput{SessionId: started.SessionId})).must(t)
	eventually(t, true, func() bool {
		past := list(types.SessionStateHistory)
		return len(past) == 1 && past[0].Status == types.SessionStatusTerminated && past[0].EndDate != nil
	})
	if resumed := ask(r.ssm.ResumeSession(ctx, &ssm.ResumeSessionInput{SessionId: started.SessionId})).must(t); resumed.TokenValue != nil {
		t.Error("a session that ended was resumed")
	}
	_, err = r.ssm.TerminateSession(ctx, &ssm.TerminateSessionInput{SessionId: aws.String("none")})
	wantCode(t, err, "DoesNotExistException", "none")
	_, err = r.ssm.DescribeSessions(ctx, &ssm.DescribeSessionsInput{State: "Former"})
	wantCode(t, err, "ValidationException", "Former")
}

func TestSessionsThatAWSWouldRefuse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	running, stopped, unbooted := r.launch("a"), r.launch("b"), r.launchOnly("c")
	if err := r.machines.Stop(t.Context(), stopped); err != nil {
		t.Fatal(err)
	}
	mute := r.launchWith("d", profile(t, newRole(t, strings.Replace(everything, `"Action": "*"`,
		`"NotAction": "ssmmessages:OpenDataChannel"`, 1))))
	r.boot(mute)
	command := map[string][]string{"command": {"ls"}}
	for what, test := range map[string]struct {
		target, document string
		parameters       map[string][]string
		code, word       string
	}{
		"stopped":        {stopped, "", nil, "TargetNotConnected", stopped + " is not connected"},
		"not booted":     {unbooted, "", nil, "TargetNotConnected", "is not connected"},
		"unknown":        {"i-0123456789abcdef0", "", nil, "TargetNotConnected", "is not connected"},
		"no channel":     {mute, "", nil, "TargetNotConnected", "ssmmessages:OpenDataChannel"},
		"other document": {running, "AWS-RunShellScript", nil, "InvalidDocument", "AWS-RunShellScript"},
		"ports":          {running, "AWS-StartPortForwardingSession", nil, "InvalidDocument", "does not forward ports"},
		"no command":     {running, "AWS-StartInteractiveCommand", nil, "InvalidParameters", "command"},
		"parameter": {running, "AWS-StartNonInteractiveCommand", map[string][]string{"commands": {"ls"}},
			"InvalidParameters", "commands"},
		"shell with one": {running, "SSM-SessionManagerRunShell", command, "InvalidParameters", "command"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			in := &ssm.StartSessionInput{Target: &test.target, Parameters: test.parameters}
			if test.document != "" {
				in.DocumentName = &test.document
			}
			_, err := r.ssm.StartSession(t.Context(), in)
			wantCode(t, err, test.code, test.word)
		})
	}
	_, err := ssmClient().StartSession(t.Context(), &ssm.StartSessionInput{Target: &running})
	wantCode(t, err, "TargetNotConnected", running) // without machines there are none to connect to
}
