package gateway

import (
	"regexp"
	"slices"
	"strings"
)

// association is one version of one of State Manager's, as DescribeAssociation shows it.
type association struct {
	AssociationID                 string `json:"AssociationId"`
	AssociationVersion            string
	AssociationName               string              `json:",omitempty"`
	Name                          string              // of the document
	DocumentVersion               string              `json:",omitempty"`
	Targets                       []target            `json:",omitempty"`
	Parameters                    map[string][]string `json:",omitempty"`
	ScheduleExpression            string              `json:",omitempty"`
	ScheduleOffset                int                 `json:",omitempty"`
	ApplyOnlyAtCronInterval       bool
	MaxErrors                     string  `json:",omitempty"`
	MaxConcurrency                string  `json:",omitempty"`
	ComplianceSeverity            string  `json:",omitempty"`
	SyncCompliance                string  `json:",omitempty"`
	AutomationTargetParameterName string  `json:",omitempty"`
	OutputLocation                any     `json:",omitempty"`
	Date                          float64 // of the first version, in Unix time
	LastUpdateAssociationDate     float64
	LastExecutionDate             float64 `json:",omitempty"`
	LastSuccessfulExecutionDate   float64 `json:",omitempty"`
	Overview                      overview
	region                        string
}

type target struct {
	Key    string
	Values []string
}

// overview returns the status of the last runs: pending before there was one.
type overview struct {
	Status, DetailedStatus           string
	AssociationStatusAggregatedCount map[string]int `json:",omitempty"` // machines by status
}

var pending = overview{Status: "Pending", DetailedStatus: "Creating"}

const (
	maxTargets      = 5
	maxTargetValues = 50
)

var (
	associationName = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{3,128}$`)
	documentVersion = regexp.MustCompile(`^(?:\$LATEST|\$DEFAULT|[1-9][0-9]*)$`)
	targetKey       = regexp.MustCompile(`^(?:InstanceIds|tag:.{1,128}|tag-key|resource-groups:Name|ParameterValues)$`)
	severities      = []string{"", "CRITICAL", "HIGH", "MEDIUM", "LOW", "UNSPECIFIED"}
	compliances     = []string{"", "AUTO", "MANUAL"}
)

// check checks an association as AWS would, except for what depends on its document.
func (a *association) check() *problem {
	switch {
	case a.AssociationName != "" && !associationName.MatchString(a.AssociationName):
		return wrong("ValidationException", "AssociationName %q: 3 to 128 of a-zA-Z0-9_-. are allowed", a.AssociationName)
	case a.DocumentVersion != "" && !documentVersion.MatchString(a.DocumentVersion):
		return wrong("ValidationException", "DocumentVersion %q is not valid", a.DocumentVersion)
	case a.MaxConcurrency+a.MaxErrors != "":
		return noLimits()
	case !slices.Contains(severities, a.ComplianceSeverity):
		return wrong("ValidationException", "ComplianceSeverity %q is not valid", a.ComplianceSeverity)
	case !slices.Contains(compliances, a.SyncCompliance):
		return wrong("ValidationException", "SyncCompliance %q is not valid", a.SyncCompliance)
	}
	if problem := checkTargets(a.Targets); problem != nil {
		return problem
	}
	return a.checkSchedule()
}

// noLimits rejects limits of how many machines run a document at a time, or may fail.
func noLimits() *problem {
	return wrong("ValidationException", "The laptop cloud does not support MaxConcurrency and MaxErrors")
}

// checkTargets checks the targets of an association or a command.
func checkTargets(targets []target) *problem {
	if len(targets) == 0 || len(targets) > maxTargets {
		return wrong("InvalidTarget", "The target is not valid: give 1 to %d", maxTargets)
	}
	for _, t := range targets {
		if !targetKey.MatchString(t.Key) || len(t.Values) == 0 || len(t.Values) > maxTargetValues {
			return wrong("InvalidTarget", "The target %q is not valid: its key must be known and have 1 to %d values",
				t.Key, maxTargetValues)
		}
	}
	return nil
}

func (a *association) checkSchedule() *problem {
	_, err := parseSchedule(a.ScheduleExpression)
	switch {
	case err != nil:
		return wrong("InvalidSchedule", "The schedule %q is not valid: %v", a.ScheduleExpression, err)
	case a.ApplyOnlyAtCronInterval && !strings.HasPrefix(a.ScheduleExpression, "cron("):
		return wrong("ValidationException", "ApplyOnlyAtCronInterval is valid only with cron expressions")
	case a.ScheduleOffset != 0:
		return wrong("ValidationException", "The laptop cloud does not support ScheduleOffset")
	case a.OutputLocation != nil:
		return wrong("ValidationException", "The laptop cloud does not write output to S3: leave OutputLocation out")
	}
	return nil
}
