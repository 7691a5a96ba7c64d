package gateway

import (
	"bytes"
	"net/http"
)

var ssmHandlers = map[string]handler{
	"CreateAssociation":                     (*Gateway).createAssociation,
	"UpdateAssociation":                     (*Gateway).updateAssociation,
	"DescribeAssociation":                   (*Gateway).describeAssociation,
	"DeleteAssociation":                     (*Gateway).deleteAssociation,
	"ListAssociations":                      (*Gateway).listAssociations,
	"ListAssociationVersions":               (*Gateway).listAssociationVersions,
	"DescribeAssociationExecutions":         (*Gateway).describeAssociationExecutions,
	"AddTagsToResource":                     (*Gateway).associationTags,
	"RemoveTagsFromResource":                (*Gateway).associationTags,
	"ListTagsForResource":                   (*Gateway).associationTags,
	"CreateDocument":                        (*Gateway).putDocument,
	"UpdateDocument":                        (*Gateway).putDocument,
	"DescribeDocument":                      (*Gateway).showDocuments,
	"ListDocuments":                         (*Gateway).showDocuments,
	"DeleteDocument":                        (*Gateway).deleteDocument,
	"GetParameter":                          (*Gateway).getParameter,
	"GetParameters":                         (*Gateway).getParameters,
	"PutParameter":                          (*Gateway).putParameter,
	"DescribeInstanceInformation":           (*Gateway).noAgents,
	"ListCommandInvocations":                (*Gateway).noAgents,
	"SendCommand":                           (*Gateway).noAgent,
	"DescribeEffectiveInstanceAssociations": (*Gateway).noAgent,
	"DescribeInstanceAssociationsStatus":    (*Gateway).noAgent,
}

// noAgents answers lists of what only a host with an SSM agent has: no host has one.
func (g *Gateway) noAgents(w http.ResponseWriter, _ *http.Request, c call) {
	list := map[string]string{
		"DescribeInstanceInformation": "InstanceInformationList", "ListCommandInvocations": "CommandInvocations",
	}[c.action]
	c.answer(w, map[string]any{list: []any{}})
}

// noAgent refuses what needs a host with an SSM agent. moto would call every command a success that nobody ran.
func (g *Gateway) noAgent(w http.ResponseWriter, _ *http.Request, c call) {
	c.refuse(w, wrong("InvalidInstanceId", "no host of the laptop cloud has an SSM agent"))
}

// showDocuments puts the platforms in that AWS finds for a document of shell scripts, which moto does not.
func (g *Gateway) showDocuments(w http.ResponseWriter, r *http.Request, c call) {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	answer.body = bytes.ReplaceAll(answer.body, []byte(`["Not Implemented (moto)"]`), []byte(`["Linux", "MacOS"]`))
	answer.write(w)
}

// ask makes an SSM call of the gateway's own.
func (g *Gateway) ask(r *http.Request, action string, in, out any) (reply, error) {
	return g.askJSON(r, "ssm", "AmazonSSM."+action, in, out)
}
