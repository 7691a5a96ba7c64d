package gateway

import (
	"context"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"webstack/local/runcommand"
)

// order is the input of SendCommand.
type order struct {
	DocumentName, DocumentVersion string
	DocumentHash                  string
	Comment                       string
	InstanceIds                   []string
	Targets                       []target
	Parameters                    map[string][]string
	TimeoutSeconds                *int
	MaxConcurrency, MaxErrors     string
	OutputS3BucketName            string
	OutputS3KeyPrefix             string
	OutputS3Region                string
}

// command is a document that is run on some machines. The fields that are not part of the order are guarded by the
// fleet.
type command struct {
	ID, DocumentName, DocumentVersion string
	Comment                           string
	InstanceIDs                       []string
	Targets                           []target
	Parameters                        map[string][]string

	region    string
	document  runcommand.Document
	requested time.Time
	// timeout is how long it may take until a machine has the command.
	timeout time.Duration
	// association is the one that it is a run of, "" for none.
	association string
	invocations []*invocation // by the order of instances
}

// invocation is a command on one machine.
type invocation struct {
	command    *command
	InstanceID string
	results    []runcommand.Result
	// ended is how it ended, "" before it has; detail gives more information.
	ended, detail string
	// trace is the reason why the agent rejected the whole document, "" if it did not.
	trace      string
	cancelling bool
	cancel     context.CancelFunc
}

const (
	defaultDelivery = 3600
	minDelivery     = 30
	maxDelivery     = 2592000
	maxInstances    = 50
	maxComment      = 100
	// maxHistory is how many commands are remembered.
	maxHistory = 500
)

var instanceIDPattern = regexp.MustCompile(`^m?i-[0-9a-f]{8,17}$`)

// check checks an order as AWS would, except for what depends on its document and machines.
func (o *order) check() *problem {
	switch {
	case o.DocumentName == "":
		return wrong("ValidationException", "DocumentName is missing")
	case o.DocumentVersion != "" && !documentVersion.MatchString(o.DocumentVersion):
		return wrong("ValidationException", "DocumentVersion %q is none", o.DocumentVersion)
	case utf8.RuneCountInString(o.Comment) > maxComment:
		return wrong("ValidationException", "Comment has more than %d characters", maxComment)
	case o.TimeoutSeconds != nil && (*o.TimeoutSeconds < minDelivery || *o.TimeoutSeconds > maxDelivery):
		return wrong("ValidationException", "TimeoutSeconds must be %d to %d, not %d", minDelivery, maxDelivery,
			*o.TimeoutSeconds)
	case o.MaxConcurrency+o.MaxErrors != "":
		return noLimits()
	case o.OutputS3BucketName+o.OutputS3KeyPrefix+o.OutputS3Region != "":
		return wrong("ValidationException", "The laptop cloud does not write output to S3: leave OutputS3BucketName out")
	case o.DocumentHash != "":
		return wrong("ValidationException", "The laptop cloud does not support DocumentHash")
	}
	return o.checkTargets()
}

func (o *order) checkTargets() *problem {
	switch {
	case len(o.InstanceIds) == 0 && len(o.Targets) == 0:
		return wrong("InvalidInstanceId", "Give InstanceIds or Targets")
	case len(o.InstanceIds) > 0 && len(o.Targets) > 0:
		return wrong("ValidationException", "Give either InstanceIds or Targets")
	case len(o.InstanceIds) > maxInstances:
		return wrong("ValidationException", "InstanceIds has more than %d", maxInstances)
	}
	for i, id := range o.InstanceIds {
		if !instanceIDPattern.MatchString(id) {
			return wrong("ValidationException", "Instance id %q is not valid", id)
		}
		if slices.Contains(o.InstanceIds[:i], id) {
			return wrong("DuplicateInstanceId", "Instance id %s is given twice", id)
		}
	}
	if len(o.Targets) == 0 {
		return nil
	}
	return checkTargets(o.Targets)
}

// status returns the status of an invocation, in short and in detail.
func (i *invocation) status() (status, detail string) {
	if i.ended != "" {
		return i.ended, i.detail
	}
	if i.cancelling {
		return "Cancelling", "Cancelling"
	}
	running := runcommand.Overall(i.results)
	if running != runcommand.Pending {
		running = runcommand.InProgress
	}
	return string(running), string(running)
}

// shown returns a status as Run Command names it.
func shown(status runcommand.Status) (short, detail string) {
	switch status {
	case runcommand.TimedOut:
		return "TimedOut", "ExecutionTimedOut"
	case runcommand.Skipped:
		return "Success", "Skipped"
	default:
		return string(status), string(status)
	}
}

// status returns the status of a command on all its machines together.
func (c *command) status() (status, detail string) {
	if len(c.invocations) == 0 {
		return "Success", "NoInstancesInTag"
	}
	counts, details := map[string]int{}, map[string]int{}
	for _, one := range c.invocations {
		status, detail := one.status()
		counts[status]++
		details[detail]++
	}
	all := len(c.invocations)
	switch {
	case counts["Pending"] == all:
		return "Pending", "Pending"
	case counts["Cancelling"] > 0:
		return "Cancelling", "Cancelling"
	case counts["Pending"]+counts["InProgress"] > 0:
		return "InProgress", "InProgress"
	case counts["Success"] == all:
		return "Success", "Success"
	case counts["Cancelled"] == all:
		return "Cancelled", "Cancelled"
	case details["DeliveryTimedOut"] == all:
		return "TimedOut", "DeliveryTimedOut"
	case details["ExecutionTimedOut"] == all:
		return "TimedOut", "ExecutionTimedOut"
	case counts["Failed"]+details["ExecutionTimedOut"] > 0:
		return "Failed", "Failed"
	default:
		return "Failed", "Incomplete"
	}
}
