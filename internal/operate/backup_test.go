package operate

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestBackup(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status string
		code   int32
		output *ssm.GetCommandInvocationOutput
		is     error
		says   string
	}{
		{"Success", 0, output("3 of 3 databases verified\n", ""), nil, ""},
		{"Failed", 1, output("2 of 3 databases verified\n", "webstackctl: the backup failed\n"), ErrBackupFailed, ""},
		{"Failed", 2, output("", "webstackctl: unknown command\n"), nil, "unknown command"},
	} {
		fake := &fakeAWS{
			invocations: [][]ssmtypes.CommandInvocation{invocation(test.status, test.status, stepOf("backup", test.status, test.code))},
			outputs:     map[string]*ssm.GetCommandInvocationOutput{"backup": test.output},
		}
		var out bytes.Buffer
		id, err := stackOn(fake).Backup(t.Context(), Host{InstanceID: "i-1"}, []string{"shop", "blog"}, &out)
		switch {
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)), test.says == "" && !errors.Is(err, test.is):
			t.Errorf("%s: %v", test.status, err)
		case id != "command-1" || out.String() != *test.output.StandardOutputContent:
			t.Errorf("%s: command %s printed %q", test.status, id, out.String())
		}
		sent := fake.sent[0]
		if *sent.DocumentName != "webstack-dev-backup" || sent.Parameters["action"][0] != "backup" || sent.Parameters["apps"][0] != "shop,blog" {
			t.Errorf("sent %+v", sent)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fake := &fakeAWS{invocations: [][]ssmtypes.CommandInvocation{invocation("InProgress", "InProgress")}}
	_, err := stackOn(fake).Backup(ctx, Host{InstanceID: "i-1"}, nil, &bytes.Buffer{})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "which goes on") || fake.sent[0].Parameters["apps"] != nil {
		t.Errorf("%v, sent %+v", err, fake.sent[0])
	}
}
