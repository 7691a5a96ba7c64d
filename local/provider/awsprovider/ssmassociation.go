package awsprovider

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/local/provider"
)

// noAssociation is SSM's code for an association that does not exist.
const noAssociation = "AssociationDoesNotExist"

func (c *clients) association() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"name":            {Computed: true, Replace: true},
			"associationName": {Check: ssmName},
			"targets": {Computed: true, Fields: map[string]provider.Prop{
				"key": {Required: true, Check: checkLength(163)}, "values": {Required: true},
			}},
			"documentVersion": {Computed: true,
				Check: checkPattern(`\$LATEST|\$DEFAULT|[1-9][0-9]*`, "must be $LATEST, $DEFAULT or a number")},
			"parameters":         {Computed: true},
			"scheduleExpression": {Check: checkLength(256)},
			// AWS runs an association without it at once.
			"applyOnlyAtCronInterval": {},
			"complianceSeverity":      {Check: checkOneOf("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNSPECIFIED")},
			"arn":                     {Output: true},
			"associationId":           {Output: true},
		}),
		Create: c.createAssociation,
		Read:   c.readAssociation,
		Update: c.updateAssociation,
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.ssm.DeleteAssociation(ctx, &ssm.DeleteAssociationInput{AssociationId: &id})
			return unlessGone(err, noAssociation)
		},
	}
}

func (c *clients) createAssociation(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ssm.CreateAssociation(ctx, &ssm.CreateAssociationInput{
		Name: optional(in, "name"), AssociationName: optional(in, "associationName"), Targets: ssmTargets(in),
		DocumentVersion: optional(in, "documentVersion"), Parameters: ssmParameters(in),
		ScheduleExpression: optional(in, "scheduleExpression"), ApplyOnlyAtCronInterval: in.Bool("applyOnlyAtCronInterval"),
		ComplianceSeverity: types.AssociationComplianceSeverity(in.Str("complianceSeverity")), Tags: ssmTags(in),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.AssociationDescription.AssociationId), nil
}

// updateAssociation sends all properties: what the call omits is reset.
func (c *clients) updateAssociation(ctx context.Context, change provider.Change) error {
	in := inherited(change, "documentVersion", "parameters", "targets")
	if change.Changed("associationName", "targets", "documentVersion", "parameters", "scheduleExpression",
		"applyOnlyAtCronInterval", "complianceSeverity") {
		_, err := c.ssm.UpdateAssociation(ctx, &ssm.UpdateAssociationInput{
			AssociationId: &change.ID, Name: optional(in, "name"), AssociationName: optional(in, "associationName"),
			Targets: ssmTargets(in), DocumentVersion: optional(in, "documentVersion"), Parameters: ssmParameters(in),
			ScheduleExpression: optional(in, "scheduleExpression"), ApplyOnlyAtCronInterval: in.Bool("applyOnlyAtCronInterval"),
			ComplianceSeverity: types.AssociationComplianceSeverity(in.Str("complianceSeverity")),
		})
		if err != nil {
			return err
		}
	}
	return c.retagSSM(ctx, change, types.ResourceTypeForTaggingAssociation, change.ID)
}

func ssmTargets(in provider.Values) []types.Target {
	var out []types.Target
	for _, target := range in.Objects("targets") {
		out = append(out, types.Target{Key: optional(target, "key"), Values: target.Strs("values")})
	}
	return out
}

// ssmParameters turns the string map of a program into lists of one.
func ssmParameters(in provider.Values) map[string][]string {
	out := map[string][]string{}
	for key, value := range in.StrMap("parameters") {
		out[key] = []string{value}
	}
	return out
}

func (c *clients) readAssociation(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	found, err := c.ssm.DescribeAssociation(ctx, &ssm.DescribeAssociationInput{AssociationId: &id})
	if err != nil {
		return nil, gone(err, noAssociation)
	}
	a := found.AssociationDescription
	if a.Overview == nil {
		return nil, provider.ErrGone
	}
	tags, err := c.ssmTagsOf(ctx, types.ResourceTypeForTaggingAssociation, id)
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"name": a.Name, "associationId": id, "arn": c.arn("ssm", "association/"+id), "tags": tags,
		"documentVersion": a.DocumentVersion, "associationName": a.AssociationName,
		"scheduleExpression": a.ScheduleExpression,
	}
	if a.ComplianceSeverity != "" {
		out["complianceSeverity"] = a.ComplianceSeverity
	}
	if a.ApplyOnlyAtCronInterval {
		out["applyOnlyAtCronInterval"] = true
	}
	if len(a.Parameters) > 0 {
		parameters := map[string]string{}
		for key, values := range a.Parameters {
			parameters[key] = strings.Join(values, ",")
		}
		out["parameters"] = parameters
	}
	var targets []provider.Values
	for _, target := range a.Targets {
		targets = append(targets, provider.Values{"key": target.Key, "values": target.Values})
	}
	out["targets"] = targets
	return out, nil
}
