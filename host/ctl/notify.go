package ctl

import (
	"context"
	"fmt"
	"io"

	"webstack/contract"
	"webstack/host/notify"
	"webstack/host/parameters"
)

// tell tells the people whom a manifest names about an event.
func (c Command) tell(ctx context.Context, m contract.Manifest, e notify.Event, out io.Writer) {
	notify.Sender{
		Manifest: m, Out: out, Client: c.Web,
		Parameters: func(ctx context.Context) (notify.Parameters, error) { return parameters.Open(ctx, m.Region) },
	}.Send(ctx, e)
}

func (c Command) tellDeploy(action, app string) func(ctx context.Context, m contract.Manifest, reason string, out io.Writer) {
	return func(ctx context.Context, m contract.Manifest, reason string, out io.Writer) {
		c.tell(ctx, m, notify.Event{
			What: fmt.Sprintf("%s of %s failed", action, app), Reason: reason,
			Next: "The live release has not changed. Run webstack releases " + app + " for details, fix the cause, and deploy again.",
		}, out)
	}
}

func (c Command) tellBackup(ctx context.Context, m contract.Manifest, reason string, out io.Writer) {
	c.tell(ctx, m, notify.Event{
		What: "backup failed", Reason: reason,
		Next: "Earlier backups are still there; webstack backups lists them. Fix the cause, then run webstack backup.",
	}, out)
}

func (c Command) tellRestore(ctx context.Context, m contract.Manifest, reason string, out io.Writer) {
	c.tell(ctx, m, notify.Event{
		What: "restore failed", Reason: reason,
		Next: "The databases named above still have their old data. Fix the cause, then restore again.",
	}, out)
}

// tellConverge reports the new problems of a converge or, if reason is "", that there are none any more.
func (c Command) tellConverge(ctx context.Context, m contract.Manifest, reason string) {
	e := notify.Event{What: "the host works as configured again"}
	if reason != "" {
		e = notify.Event{
			What: "the host does not work as configured", Reason: reason,
			Next: "The host tries again every 30 minutes. Run webstack status for details, and fix the cause.",
		}
	}
	c.tell(ctx, m, e, c.Stdout)
}
