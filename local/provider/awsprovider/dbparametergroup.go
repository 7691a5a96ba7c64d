package awsprovider

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"webstack/local/provider"
)

// parametersPerCall is the most parameters that one call of RDS takes.
const parametersPerCall = 20

func (c *clients) dbParameterGroup() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"name":        {Computed: true, Replace: true, Check: checkAll(checkHyphens, parameterGroupPattern)},
			"family":      {Required: true, Replace: true},
			"description": {Default: "Managed by Pulumi", Replace: true},
			"parameters": {Computed: true, Set: true, Equal: sameParameters, Fields: map[string]provider.Prop{
				"name": {Required: true}, "value": {Required: true},
				"applyMethod": {Check: checkPattern(`(?i:immediate|pending-reboot)`, "must be immediate or pending-reboot")},
			}},
			"arn": {Output: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			_, err := c.rds.CreateDBParameterGroup(ctx, &rds.CreateDBParameterGroupInput{
				DBParameterGroupName: optional(in, "name"), DBParameterGroupFamily: optional(in, "family"),
				Description: aws.String(in.Str("description")), Tags: rdsTags(in.StrMap("tagsAll")),
			})
			if err != nil {
				return "", err
			}
			return in.Str("name"), c.setParameters(ctx, in.Str("name"), nil, in.Objects("parameters"))
		},
		Read: c.readDBParameterGroup,
		Update: func(ctx context.Context, change provider.Change) error {
			if change.Changed("parameters") && change.New.Has("parameters") {
				old, news := change.Old.Objects("parameters"), change.New.Objects("parameters")
				if err := c.setParameters(ctx, change.ID, old, news); err != nil {
					return err
				}
			}
			return c.retagRDS(ctx, aws.String(c.arn("rds", "pg:"+change.ID)), change)
		},
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			return deleted(ctx, id, func() error {
				return retrying(ctx, dependencyPatience, func() error {
					_, err := c.rds.DeleteDBParameterGroup(ctx, &rds.DeleteDBParameterGroupInput{DBParameterGroupName: &id})
					return err
				}, "InvalidDBParameterGroupState")
			}, c.describeDBParameterGroup, "DBParameterGroupNotFound")
		},
	}
}

var parameterGroupPattern = checkPattern(`[a-z][a-z0-9.-]{0,254}`,
	"must be a lower-case letter, then up to 254 lower-case letters, digits, dots and hyphens")

// parameterValues returns the values of the parameters by name.
func parameterValues(parameters []provider.Values) map[string]string {
	out := map[string]string{}
	for _, parameter := range parameters {
		out[strings.ToLower(parameter.Str("name"))] = parameter.Str("value")
	}
	return out
}

// sameParameters compares values and apply methods, as the real provider does.
func sameParameters(a, b any) bool {
	described := func(of any) map[string]string {
		parameters := provider.Values{"of": of}.Objects("of")
		out := parameterValues(parameters)
		for _, parameter := range parameters {
			method := cmp.Or(strings.ToLower(parameter.Str("applyMethod")), string(types.ApplyMethodImmediate))
			out[strings.ToLower(parameter.Str("name"))] += " " + method
		}
		return out
	}
	return maps.Equal(described(a), described(b))
}

// familyValues are the default values of Postgres's families from 15 on. RDS shows a parameter with its family's value
// as waiting for a reboot, however it was set.
var familyValues = map[string]string{"rds.force_ssl": "1"}

func shownMethod(name, value, method string) string {
	if familyValues[name] == value {
		return string(types.ApplyMethodPendingReboot)
	}
	return strings.ToLower(method)
}

// setParameters resets parameters that are no longer set and then sets the new ones; those that wait for a reboot come
// last.
func (c *clients) setParameters(ctx context.Context, group string, old, news []provider.Values) error {
	set, removed := changedTags(parameterValues(old), parameterValues(news))
	var reset []types.Parameter
	for _, name := range removed {
		reset = append(reset, types.Parameter{ParameterName: aws.String(name), ApplyMethod: types.ApplyMethodPendingReboot})
	}
	for chunk := range slices.Chunk(reset, parametersPerCall) {
		_, err := c.rds.ResetDBParameterGroup(ctx, &rds.ResetDBParameterGroupInput{
			DBParameterGroupName: &group, Parameters: chunk,
		})
		if err != nil {
			return err
		}
	}
	var now, later []types.Parameter
	for _, parameter := range news {
		name := strings.ToLower(parameter.Str("name"))
		if _, changed := set[name]; !changed {
			continue
		}
		item := types.Parameter{
			ParameterName: &name, ParameterValue: optional(parameter, "value"), ApplyMethod: types.ApplyMethodImmediate,
		}
		if strings.EqualFold(parameter.Str("applyMethod"), string(types.ApplyMethodPendingReboot)) {
			item.ApplyMethod = types.ApplyMethodPendingReboot
			later = append(later, item)
			continue
		}
		now = append(now, item)
	}
	for chunk := range slices.Chunk(slices.Concat(now, later), parametersPerCall) {
		_, err := c.rds.ModifyDBParameterGroup(ctx, &rds.ModifyDBParameterGroupInput{
			DBParameterGroupName: &group, Parameters: chunk,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *clients) describeDBParameterGroup(ctx context.Context, name string) (types.DBParameterGroup, error) {
	out, err := c.rds.DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: &name})
	if err != nil {
		return types.DBParameterGroup{}, gone(err, "DBParameterGroupNotFound")
	}
	return first(out.DBParameterGroups)
}

func (c *clients) readDBParameterGroup(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	group, err := c.describeDBParameterGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	parameters := []provider.Values{}
	pages := rds.NewDescribeDBParametersPaginator(c.rds, &rds.DescribeDBParametersInput{
		DBParameterGroupName: &id, Source: aws.String("user"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, parameter := range page.Parameters {
			name := strings.ToLower(aws.ToString(parameter.ParameterName))
			parameters = append(parameters, provider.Values{
				"name": name, "value": parameter.ParameterValue,
				"applyMethod": shownMethod(name, aws.ToString(parameter.ParameterValue), string(parameter.ApplyMethod)),
			})
		}
	}
	tags, err := c.readRDSTags(ctx, group.DBParameterGroupArn)
	return provider.Values{
		"name": group.DBParameterGroupName, "family": group.DBParameterGroupFamily, "description": group.Description,
		"parameters": parameters, "arn": group.DBParameterGroupArn, "tags": tags,
	}, err
}
