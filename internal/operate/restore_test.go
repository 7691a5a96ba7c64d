package operate

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestRestore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options RestoreOptions
		status  string
		code    int32
		output  *ssm.GetCommandInvocationOutput
		is      error
		says    string
		sent    map[string]string
	}{
		{
			RestoreOptions{App: "shop", At: "latest", Confirm: "shop"}, "Success", 0, output("shop: restored\n", ""), nil, "",
			map[string]string{"action": "restore", "app": "shop", "at": "latest", "confirm": "shop"},
		},
		{
			RestoreOptions{App: "shop", To: "look"}, "Failed", 1, output("shop: failed: no backup\n", "webstackctl: failed\n"),
			ErrRestoreFailed, "", map[string]string{"action": "restore", "app": "shop", "to": "look"},
		},
		{
			RestoreOptions{}, "Failed", 2, output("", "webstackctl: unknown command\n"), nil, "unknown command",
			map[string]string{"action": "all"},
		},
		{
			RestoreOptions{App: "shop", Forget: true}, "Success", 0, output("shop: dropped\n", ""), nil, "",
			map[string]string{"action": "forget", "app": "shop"},
		},
	} {
		fake := &fakeAWS{
			invocations: [][]ssmtypes.CommandInvocation{invocation(test.status, test.status, stepOf("restore", test.status, test.code))},
			outputs:     map[string]*ssm.GetCommandInvocationOutput{"restore": test.output},
		}
		var out bytes.Buffer
		id, err := stackOn(fake).Restore(t.Context(), Host{InstanceID: "i-1"}, test.options, &out)
		switch {
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)), test.says == "" && !errors.Is(err, test.is):
			t.Errorf("%+v: %v", test.options, err)
		case id != "command-1" || out.String() != *test.output.StandardOutputContent:
			t.Errorf("%+v: command %s printed %q", test.options, id, out.String())
		}
		sent := map[string]string{}
		for name, values := range fake.sent[0].Parameters {
			sent[name] = strings.Join(values, "|")
		}
		if *fake.sent[0].DocumentName != "webstack-dev-restore" || !maps.Equal(sent, test.sent) {
			t.Errorf("%+v: sent %v", test.options, sent)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fake := &fakeAWS{invocations: [][]ssmtypes.CommandInvocation{invocation("InProgress", "InProgress")}}
	_, err := stackOn(fake).Restore(ctx, Host{InstanceID: "i-1"}, RestoreOptions{}, &bytes.Buffer{})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "which goes on") {
		t.Errorf("%v", err)
	}
}
