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
			"keyId":         {Computed: true},
			"arn":           {Output: true},
			"version":       {Output: true},
		}),
		Validate: func(in provider.Values) []string {
			if in["insecureValue"] != nil && in.Str("type") == "SecureString" {
				return []string{"insecureValue: a SecureString takes value"}
			}
			return nil
		},
		Create: c.createParameter,
		Read:   c.readParameter,
		Update: c.updateParameter,
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.ssm.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &id})
			return unlessGone(err, noParameter)
		},
		Recomputed: func(changed func(...string) bool) []string {
			if changed("value") {
				return []string{"version"}
			}
			return nil
		},
	}
}

func (c *clients) createParameter(ctx context.Context, in provider.Values) (string, error) {
	call := parameterCall(in)
	call.Tags = ssmTags(in)
	_, err := c.ssm.PutParameter(ctx, call)
	if err != nil {
		return "", err
	}
	return in.Str("name"), nil
}

func (c *clients) updateParameter(ctx context.Context, change provider.Change) error {
	if change.Changed("type", "value", "insecureValue", "keyId") {
		call := parameterCall(inherited(change, "keyId"))
		call.Overwrite = aws.Bool(true)
		if _, err := c.ssm.PutParameter(ctx, call); err != nil {
			return err
		}
	}
	return c.retagSSM(ctx, change, types.ResourceTypeForTaggingParameter, change.ID)
}

func parameterCall(in provider.Values) *ssm.PutParameterInput {
	value := in.Str("value")
	if in.Has("insecureValue") {
		value = in.Str("insecureValue")
	}
	call := &ssm.PutParameterInput{
		Name: optional(in, "name"), Value: &value, Type: types.ParameterType(in.Str("type")),
	}
	if call.Type == types.ParameterTypeSecureString {
		call.KeyId = optional(in, "keyId")
	}
	return call
}

// newestVersion returns the version with the key, which GetParameter omits. DescribeParameters has it, too, but for that
// moto reads every parameter of the account, including thousands of AWS's own.
func (c *clients) newestVersion(ctx context.Context, id string) (types.ParameterHistory, error) {
	var newest types.ParameterHistory
	pages := ssm.NewGetParameterHistoryPaginator(c.ssm, &ssm.GetParameterHistoryInput{Name: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return newest, gone(err, noParameter)
		}
		for _, version := range page.Parameters {
			if version.Version > newest.Version {
				newest = version
			}
		}
	}
	return newest, nil
}

func (c *clients) readParameter(ctx context.Context, id string, known provider.Values) (provider.Values, error) {
	found, err := c.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &id, WithDecryption: aws.Bool(true)})
	if err != nil {
		return nil, gone(err, noParameter)
	}
	tags, err := c.ssmTagsOf(ctx, types.ResourceTypeForTaggingParameter, id)
	if err != nil {
		return nil, err
	}
	p := found.Parameter
	out := provider.Values{
		"name": id, "type": p.Type, "arn": c.arn("ssm", "parameter"+leadingSlash(id)), "version": p.Version, "tags": tags,
	}
	if p.Type == types.ParameterTypeSecureString {
		newest, err := c.newestVersion(ctx, id)
		if err != nil {
			return nil, err
		}
		out["keyId"] = newest.KeyId
	}
	if known["insecureValue"] != nil {
		out["insecureValue"] = p.Value
	} else {
		out["value"] = p.Value
	}
	return out, nil
}

// leadingSlash returns a parameter's name as it is in an ARN.
func leadingSlash(name string) string {
	if name != "" && name[0] == '/' {
		return name
	}
	return "/" + name
}

func (c *clients) getParameter() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{"name": {Required: true}},
		Call: func(ctx context.Context, args provider.Values) (provider.Values, error) {
			found, err := c.ssm.GetParameter(ctx, &ssm.GetParameterInput{
				Name: optional(args, "name"), WithDecryption: aws.Bool(true),
			})
			if err != nil {
				return nil, err
			}
			p := found.Parameter
			out := provider.Values{
				"id": p.Name, "name": p.Name, "arn": p.ARN, "type": p.Type, "value": p.Value, "version": p.Version,
				"insecureValue": "",
			}
			if p.Type != types.ParameterTypeSecureString {
				out["insecureValue"] = p.Value
			}
			return out, nil
		},
	}
}
