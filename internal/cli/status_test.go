package cli

import (
	"strings"
	"testing"
	"time"

	"webstack/contract"
)

// The state of an app says what keeps its visitors out.
func TestStateOfAnApp(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 3, 15, 0, 0, time.UTC)
	for want, app := range map[string]contract.AppStatus{
		"not deployed yet":                 {},
		"not deployed yet, IN MAINTENANCE": {Maintenance: true},
		"not deployed yet, IN MAINTENANCE, the restore 20260131T031500Z has not ended": {
			Maintenance: true, Restoring: "20260131T031500Z",
		},
		"not deployed yet, deploying v9 for 5m": {Deploying: "v9", DeployingSince: at.Add(-5 * time.Minute)},
		"not deployed yet, the deploy of v9 was interrupted": {
			Deploying: "v9", DeployingSince: at, DeployKilled: true,
		},
	} {
		if got := appText(app, at); !strings.HasPrefix(got, want) || strings.Count(got, ",") != strings.Count(want, ",") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
