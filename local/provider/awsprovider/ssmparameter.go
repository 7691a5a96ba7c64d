package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/local/provider"
)

// noParameter is SSM's code for a parameter that does not exist.
const noParameter = "ParameterNotFound"

func (c *clients) parameter() provider.Type {
	return provider.Type{
		Name:         &provider.AutoName{Prop: "name", Max: 255},
		ExactlyOneOf: [][]string{{"value", "insecureValue"}},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"name":          {Computed: true, Replace: true, Check: checkLength(2048)},
			"type":          {Required: true, Check: checkOneOf("String", "StringList", "SecureString")},
			"value":         {Secret: true},
			"insecureValue": {},
			"description":   {Check: checkLength(1024)},
			"dataType": {Computed: true, Replace: true,
				Check: checkOneOf("text", "aws:ec2:image", "aws:ssm:integration")},
			"keyId":     {Computed: true},
			"tier":      {Default: "Standard", Check: checkOneOf("Standard", "Advanced", "Intelligent-Tiering")},
			"overwrite": {InputOnly: true},
			"arn":       {Output: true},
			"version":   {Output: true},
		}),
		Validate: func(in provider.Values) []string {
			if in["insecureValue"] != nil && in.Str("type") == "SecureString" {
				return []string{"insecureValue: a SecureString takes value"}
			}
			return nil
		},
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			if err := c.putParameter(ctx, in, in.Bool("overwrite"), true); err != nil {
				return "", err
			}
			return in.Str("name"), nil
		},
		Read: c.readParameter,
		Update: func(ctx context.Context, change provider.Change) error {
			if change.Changed("type", "value", "insecureValue", "description", "keyId", "tier") {
				if err := c.putParameter(ctx, change.New, true, false); err != nil {
					return err
				}
			}
			return c.retagSSM(ctx, change, types.ResourceTypeForTaggingParameter, change.ID)
		},
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.ssm.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &id})
			return unlessGone(err, noParameter)
		},
		Replaces: func(_ context.Context, old, news provider.Values) []string {
			if old.Str("tier") == "Advanced" && news.Str("tier") == "Standard" {
				return []string{"tier"}
			}
			return nil
		},
		Recomputed: func(changed func(...string) bool) []string {
			if changed("value") {
				return []string{"version"}
			}
			return nil
		},
	}
}

// putParameter writes the parameter. Tags go along only with a new one: SSM refuses them beside overwrite.
func (c *clients) putParameter(ctx context.Context, in provider.Values, overwrite, fresh bool) error {
	value := in.Str("value")
	if in.Has("insecureValue") {
		value = in.Str("insecureValue")
	}
	call := &ssm.PutParameterInput{
		Name: optional(in, "name"), Value: &value, Type: types.ParameterType(in.Str("type")),
		Description: optional(in, "description"), DataType: optional(in, "dataType"),
		Tier: types.ParameterTier(in.Str("tier")), Overwrite: &overwrite,
	}
	if call.Type == types.ParameterTypeSecureString {
		call.KeyId = optional(in, "keyId")
	}
	if fresh && !overwrite {
		call.Tags = ssmTags(in)
	}
	_, err := c.ssm.PutParameter(ctx, call)
	if err != nil || !fresh || !overwrite || len(ssmTags(in)) == 0 {
		return err
	}
	_, err = c.ssm.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
		ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: call.Name, Tags: ssmTags(in),
	})
	return err
}

func (c *clients) readParameter(ctx context.Context, id string, known provider.Values) (provider.Values, error) {
	found, err := c.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &id, WithDecryption: aws.Bool(true)})
	if err != nil {
		return nil, gone(err, noParameter)
	}
	described, err := c.ssm.DescribeParameters(ctx, &ssm.DescribeParametersInput{
		ParameterFilters: []types.ParameterStringFilter{
			{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{id}},
		},
	})
	if err != nil {
		return nil, err
	}
	metadata, err := first(described.Parameters)
	if err != nil {
		return nil, err
	}
	tags, err := c.ssmTagsOf(ctx, types.ResourceTypeForTaggingParameter, id)
	if err != nil {
		return nil, err
	}
	p := found.Parameter
	out := provider.Values{
		"name": id, "type": p.Type, "arn": c.arn("ssm", "parameter"+leadingSlash(id)), "version": p.Version,
		"dataType": p.DataType, "tier": metadata.Tier, "tags": tags,
	}
	if aws.ToString(metadata.Description) != "" {
		out["description"] = metadata.Description
	}
	if p.Type == types.ParameterTypeSecureString {
		out["keyId"] = metadata.KeyId
	}
	if known["insecureValue"] != nil {
		out["insecureValue"] = p.Value
	} else {
		out["value"] = p.Value
	}
	return out, nil
}

// leadingSlash is a parameter's name as it stands in an ARN.
func leadingSlash(name string) string {
	if name != "" && name[0] == '/' {
		return name
	}
	return "/" + name
}

func (c *clients) getParameter() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{"name": {Required: true}, "withDecryption": {Default: true}},
		Call: func(ctx context.Context, args provider.Values) (provider.Values, error) {
			found, err := c.ssm.GetParameter(ctx, &ssm.GetParameterInput{
				Name: optional(args, "name"), WithDecryption: optionalBool(args, "withDecryption"),
			})
			if err != nil {
				return nil, err
			}
			p := found.Parameter
			out := provider.Values{
				"id": p.Name, "name": p.Name, "arn": p.ARN, "type": p.Type, "value": p.Value, "version": p.Version,
				"withDecryption": args["withDecryption"], "insecureValue": "",
			}
			if p.Type != types.ParameterTypeSecureString {
				out["insecureValue"] = p.Value
			}
			return out, nil
		},
	}
}
