package gateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// ssmInput is the part of a call to SSM on which its permissions depend.
type ssmInput struct {
	Name, Path, DocumentName, InstanceID, Target, SessionID string
	Type, KeyID, OutputS3BucketName                         string
	AssociationID, ResourceType, ResourceID                 string
	Names, InstanceIDs                                      []string
	WithDecryption, Recursive                               bool
	Targets                                                 []target
}

// ssmUnbound are the actions without a resource.
var ssmUnbound = map[string]bool{
	"CancelCommand": true, "DescribeInstanceInformation": true, "GetCommandInvocation": true, "ListCommandInvocations": true,
	"ListCommands": true, "DescribeParameters": true, "ListDocuments": true, "DescribeSessions": true,
	"GetConnectionStatus": true, "ListAssociations": true, "DescribeInstanceProperties": true,
	"DescribeInstanceAssociationsStatus": true, "DescribeEffectiveInstanceAssociations": true,
}

func (g *Gateway) ssmDemands(r *http.Request, c call, s *session) ([]demand, error) {
	var in ssmInput
	if err := json.Unmarshal(c.body, &in); err != nil {
		return nil, errUnmapped
	}
	on := func(resource string) []demand { return []demand{{action: "ssm:" + c.action, resource: resource}} }
	switch c.action {
	case "GetParameter", "GetParameters", "GetParametersByPath", "PutParameter", "DeleteParameter", "DeleteParameters",
		"GetParameterHistory":
		return g.parameterDemands(r, c, s, in)
	case "SendCommand", "StartSession":
		return g.commandDemands(r, c, s, in)
	case "GetDocument", "DescribeDocument":
		return on(c.document(s, in.Name)), nil
	case "CreateDocument", "DeleteDocument", "DescribeDocumentPermission", "ListDocumentVersions",
		"ModifyDocumentPermission", "UpdateDocument", "UpdateDocumentDefaultVersion":
		return on(c.document(s, in.Name)), nil
	case "CreateAssociation":
		return g.associationDemands(r, c, s, in)
	case "DeleteAssociation", "DescribeAssociation", "DescribeAssociationExecutions", "StartAssociationsOnce",
		"UpdateAssociation":
		return on(c.arn(s.account, "ssm", "association/"+cmp.Or(in.AssociationID, anything))), nil
	case "AddTagsToResource", "ListTagsForResource", "RemoveTagsFromResource":
		return on(c.taggedArn(s, in)), nil
	case "LabelParameterVersion", "UnlabelParameterVersion":
		return on(c.parameterArn(s, in.Name)), nil
	case "TerminateSession", "ResumeSession":
		return on(c.arn(s.account, "ssm", "session/"+in.SessionID)), nil
	case "UpdateInstanceInformation":
		return on(c.arn(s.account, "ec2", "instance/"+in.InstanceID)), nil
	}
	if !ssmUnbound[c.action] {
		return nil, errUnmapped
	}
	return on(anything), nil
}

// associationDemands are permissions on the document and on every instance, as those of a command.
func (g *Gateway) associationDemands(r *http.Request, c call, s *session, in ssmInput) ([]demand, error) {
	in.DocumentName = in.Name
	if in.InstanceID != "" {
		in.InstanceIDs = []string{in.InstanceID}
	}
	return g.commandDemands(r, c, s, in)
}

// taggedArn returns what a call about tags is about.
func (c call) taggedArn(s *session, in ssmInput) string {
	switch in.ResourceType {
	case "Parameter":
		return c.parameterArn(s, in.ResourceID)
	case "Document":
		return c.document(s, in.ResourceID)
	default:
		return c.arn(s.account, "ssm", strings.ToLower(in.ResourceType)+"/"+in.ResourceID)
	}
}

// document returns a document's ARN. AWS's own documents have no account in it.
func (c call) document(s *session, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	account := s.account
	if strings.HasPrefix(name, "AWS-") || strings.HasPrefix(name, "Amazon") {
		account = ""
	}
	return c.arn(account, "ssm", "document/"+name)
}

// parameterArn returns a parameter's ARN. It adds a slash to a name without one.
func (c call) parameterArn(s *session, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	name, _, _ = strings.Cut(name, ":") // a version or a label
	account := s.account
	if publicParameter(c, name) != nil {
		account = ""
	}
	return c.arn(account, "ssm", "parameter/"+strings.TrimPrefix(name, "/"))
}

func (g *Gateway) parameterDemands(r *http.Request, c call, s *session, in ssmInput) ([]demand, error) {
	names := in.Names
	if in.Name != "" {
		names = append(names, in.Name)
	}
	if c.action == "GetParametersByPath" {
		names = []string{in.Path}
	}
	var demands []demand
	for _, name := range names {
		demands = append(demands, demand{action: "ssm:" + c.action, resource: c.parameterArn(s, name)})
	}
	keys, err := g.keysOf(r, c, in, names)
	if err != nil {
		return nil, err
	}
	action := "kms:Decrypt"
	if c.action == "PutParameter" {
		action = "kms:Encrypt"
	}
	for _, key := range keys {
		arn, err := g.keyArn(r, key)
		if err != nil {
			return nil, err
		}
		demands = append(demands, demand{action: action, resource: arn, context: map[string][]string{
			"kms:ViaService": {"ssm." + c.region + ".amazonaws.com"},
		}})
	}
	return demands, nil
}

// defaultKey is AWS's own key for secret parameters: everybody in the account may use it through Parameter Store.
const defaultKey = "alias/aws/ssm"

// keysOf returns the keys that a call about parameters uses.
func (g *Gateway) keysOf(r *http.Request, c call, in ssmInput, names []string) ([]string, error) {
	if c.action == "PutParameter" {
		if in.Type == "SecureString" && in.KeyID != "" && in.KeyID != defaultKey {
			return []string{in.KeyID}, nil
		}
		return nil, nil
	}
	if !in.WithDecryption {
		return nil, nil
	}
	filter := map[string]any{"Key": "Name", "Option": "Equals", "Values": names}
	if c.action == "GetParametersByPath" {
		option := "OneLevel"
		if in.Recursive {
			option = "Recursive"
		}
		filter = map[string]any{"Key": "Path", "Option": option, "Values": names}
	}
	var keys []string
	seen := map[string]bool{"": true, defaultKey: true}
	input := map[string]any{"ParameterFilters": []any{filter}, "MaxResults": 50}
	for {
		var out struct {
			Parameters []struct{ Type, KeyID string }
			NextToken  string
		}
		answer, err := g.ask(r, "DescribeParameters", input, &out)
		if err != nil {
			return nil, err
		}
		if !answer.ok() {
			return nil, fmt.Errorf("look up the keys of parameters: SSM answered with status %d", answer.status)
		}
		for _, p := range out.Parameters {
			if p.Type == "SecureString" && !seen[p.KeyID] {
				seen[p.KeyID] = true
				keys = append(keys, p.KeyID)
			}
		}
		if out.NextToken == "" {
			return keys, nil
		}
		input["NextToken"] = out.NextToken
	}
}

// commandDemands are permissions on the document and on every instance, each with its tags.
func (g *Gateway) commandDemands(r *http.Request, c call, s *session, in ssmInput) ([]demand, error) {
	var demands []demand
	if in.DocumentName != "" {
		demands = append(demands, demand{action: "ssm:" + c.action, resource: c.document(s, in.DocumentName)})
	}
	if in.OutputS3BucketName != "" {
		demands = append(demands, demand{action: "ssm:" + c.action, resource: "arn:aws:s3:::" + in.OutputS3BucketName})
	}
	targets := in.Targets
	if in.Target != "" {
		in.InstanceIDs = append(in.InstanceIDs, in.Target)
	}
	if len(in.InstanceIDs) > 0 {
		targets = []target{{Key: "InstanceIds", Values: in.InstanceIDs}}
	}
	hosts, err := g.fleet.hosts(r.Context(), c.region)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, h := range hosts {
		if !h.matches(targets) {
			continue
		}
		found[h.ID] = true
		d := demand{action: "ssm:" + c.action, resource: c.arn(s.account, "ec2", "instance/"+h.ID),
			context: map[string][]string{}}
		for _, tag := range h.Tags {
			d.context["ssm:resourceTag/"+tag.Key] = []string{tag.Value}
			d.context["aws:ResourceTag/"+tag.Key] = []string{tag.Value}
		}
		demands = append(demands, d)
	}
	for _, id := range in.InstanceIDs {
		if !found[id] { // an instance that does not exist has no tags
			demands = append(demands, demand{action: "ssm:" + c.action, resource: c.arn(s.account, "ec2", "instance/"+id)})
		}
	}
	if len(found) == 0 && len(in.InstanceIDs) == 0 {
		demands = append(demands, demand{action: "ssm:" + c.action, resource: c.arn(s.account, "ec2", "instance/*")})
	}
	return demands, nil
}
