// Package iampolicy writes IAM policy documents from typed statements instead of pasted JSON.
package iampolicy

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// version is the policy language's current version.
const version = "2012-10-17"

// Statement is one statement of a policy. Empty parts are left out.
type Statement struct {
	// Sid is the statement's name: letters and digits.
	Sid string
	// Effect is "Allow" when empty, or "Deny".
	Effect string
	// Principal is who it is about: "*" or a map such as {"Service": "ec2.amazonaws.com"}. Policies of roles have none.
	Principal any
	// Action are the API actions, such as "s3:GetObject".
	Action []string
	// Resource are ARNs, each a string or a pulumi.StringInput. Trust policies have none.
	Resource []any
	// Condition is operator, key, values, such as {"StringEquals": {"aws:SourceVpc": {"vpc-1"}}}.
	Condition Condition
}

// Condition narrows a statement: operator, key, values.
type Condition map[string]map[string][]string

// Document renders the statements, in their order, as a policy.
func Document(statements ...Statement) pulumi.StringOutput {
	rendered := make([]any, len(statements))
	for i, s := range statements {
		rendered[i] = s.render()
	}
	return pulumi.JSONMarshal(map[string]any{"Version": version, "Statement": rendered})
}

func (s Statement) render() map[string]any {
	out := map[string]any{"Effect": "Allow", "Action": s.Action}
	if s.Effect != "" {
		out["Effect"] = s.Effect
	}
	if s.Sid != "" {
		out["Sid"] = s.Sid
	}
	if s.Principal != nil {
		out["Principal"] = s.Principal
	}
	if len(s.Resource) > 0 {
		out["Resource"] = s.Resource
	}
	if s.Condition != nil {
		out["Condition"] = s.Condition
	}
	return out
}

// TLSOnly refuses every request to a bucket that does not come over TLS. bucketArn is a string or a pulumi.StringInput;
// objects is the same with "/*".
func TLSOnly(bucketArn, objects any) Statement {
	return Statement{
		Sid: "TlsOnly", Effect: "Deny", Principal: "*", Action: []string{"s3:*"},
		Resource:  []any{bucketArn, objects},
		Condition: Condition{"Bool": {"aws:SecureTransport": {"false"}}},
	}
}
