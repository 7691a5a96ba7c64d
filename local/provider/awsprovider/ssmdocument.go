package awsprovider

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/local/provider"
)

// ssmName is what SSM permits for names of documents and associations.
var ssmName = checkPattern(`[0-9A-Za-z_.-]{3,128}`, "must be 3 to 128 of letters, digits and _.-")

func (c *clients) document() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"name":            {Computed: true, Replace: true, Check: ssmName},
			"content":         {Required: true},
			"documentType":    {Required: true, Check: checkEnum(types.DocumentType("").Values())},
			"documentFormat":  {Default: "JSON", Check: checkOneOf("JSON", "YAML", "TEXT")},
			"targetType":      {Check: checkPattern(`/[\w.:/-]*`, "must start with / and name a type")},
			"arn":             {Output: true},
			"createdDate":     {Output: true},
			"defaultVersion":  {Output: true},
			"description":     {Output: true},
			"documentVersion": {Output: true},
			"latestVersion":   {Output: true},
			"hash":            {Output: true},
			"hashType":        {Output: true},
			"owner":           {Output: true},
			"parameters":      {Output: true},
			"platformTypes":   {Output: true},
			"schemaVersion":   {Output: true},
			"status":          {Output: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			out, err := c.ssm.CreateDocument(ctx, &ssm.CreateDocumentInput{
				Name: optional(in, "name"), Content: optional(in, "content"), TargetType: optional(in, "targetType"),
				DocumentType:   types.DocumentType(in.Str("documentType")),
				DocumentFormat: types.DocumentFormat(in.Str("documentFormat")), Tags: ssmTags(in),
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.DocumentDescription.Name), nil
		},
		Read:   c.readDocument,
		Update: c.updateDocument,
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.ssm.DeleteDocument(ctx, &ssm.DeleteDocumentInput{Name: &id})
			return unlessGone(err, "InvalidDocument")
		},
		Recomputed: func(changed func(...string) bool) []string {
			if changed("content") {
				return []string{"defaultVersion", "documentVersion", "latestVersion", "hash", "parameters"}
			}
			return nil
		},
	}
}

// updateDocument creates a new version and makes it the default. For a document with a schema before 2.0 only the
// content is sent, and SSM rejects that.
func (c *clients) updateDocument(ctx context.Context, change provider.Change) error {
	old := strings.HasPrefix(change.Old.Str("schemaVersion"), "1.")
	if change.Changed("content") || !old && change.Changed("documentFormat", "targetType") {
		updated, err := c.ssm.UpdateDocument(ctx, &ssm.UpdateDocumentInput{
			Name: &change.ID, Content: optional(change.New, "content"), TargetType: optional(change.New, "targetType"),
			DocumentFormat:  types.DocumentFormat(change.New.Str("documentFormat")),
			DocumentVersion: aws.String(change.Old.Str("defaultVersion")),
		})
		version := change.Old.Str("latestVersion")
		switch {
		case err == nil:
			version = aws.ToString(updated.DocumentDescription.DocumentVersion)
		case !hasCode(err, "DuplicateDocumentContent"):
			return err
		}
		_, err = c.ssm.UpdateDocumentDefaultVersion(ctx, &ssm.UpdateDocumentDefaultVersionInput{
			Name: &change.ID, DocumentVersion: &version,
		})
		if err != nil {
			return err
		}
	}
	return c.retagSSM(ctx, change, types.ResourceTypeForTaggingDocument, change.ID)
}

func (c *clients) readDocument(ctx context.Context, id string, known provider.Values) (provider.Values, error) {
	format := types.DocumentFormat(known.Str("documentFormat"))
	if format == "" {
		format = types.DocumentFormatJson
	}
	found, err := c.ssm.DescribeDocument(ctx, &ssm.DescribeDocumentInput{Name: &id})
	if err != nil {
		return nil, gone(err, "InvalidDocument")
	}
	content, err := c.ssm.GetDocument(ctx, &ssm.GetDocumentInput{
		Name: &id, DocumentVersion: aws.String("$LATEST"), DocumentFormat: format,
	})
	if err != nil {
		return nil, gone(err, "InvalidDocument")
	}
	tags, err := c.ssmTagsOf(ctx, types.ResourceTypeForTaggingDocument, id)
	if err != nil {
		return nil, err
	}
	d := found.Document
	out := provider.Values{
		"name": id, "content": content.Content, "documentType": d.DocumentType, "documentFormat": format,
		"arn": c.arn("ssm", "document/"+id), "createdDate": aws.ToTime(d.CreatedDate).Format(time.RFC3339),
		"defaultVersion": d.DefaultVersion, "documentVersion": d.DocumentVersion, "latestVersion": d.LatestVersion,
		"hash": d.Hash, "hashType": d.HashType, "owner": d.Owner, "schemaVersion": d.SchemaVersion, "status": d.Status,
		"tags": tags,
	}
	out["description"], out["platformTypes"] = d.Description, d.PlatformTypes
	parameters := []provider.Values{}
	for _, p := range d.Parameters {
		parameters = append(parameters, provider.Values{
			"name": p.Name, "type": p.Type, "description": p.Description, "defaultValue": p.DefaultValue,
		})
	}
	out["parameters"] = parameters
	if aws.ToString(d.TargetType) != "" {
		out["targetType"] = d.TargetType
	}
	return out, nil
}
