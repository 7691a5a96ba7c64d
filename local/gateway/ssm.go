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
	"UpdateDocumentDefaultVersion":          (*Gateway).setDefaultVersion,
	"DescribeDocument":                      (*Gateway).showDocuments,
	"ListDocuments":                         (*Gateway).showDocuments,
	"DeleteDocument":                        (*Gateway).deleteDocument,
	"GetParameter":                          (*Gateway).getParameter,
	"GetParameters":                         (*Gateway).getParameters,
	"PutParameter":                          (*Gateway).putParameter,
	"SendCommand":                           (*Gateway).sendCommand,
	"CancelCommand":                         (*Gateway).cancelCommand,
	"GetCommandInvocation":                  (*Gateway).getCommandInvocation,
	"ListCommands":                          (*Gateway).listCommands,
	"ListCommandInvocations":                (*Gateway).listCommandInvocations,
	"StartSession":                          (*Gateway).startSession,
	"ResumeSession":                         (*Gateway).resumeSession,
	"TerminateSession":                      (*Gateway).terminateSession,
	"DescribeSessions":                      (*Gateway).describeSessions,
	"DescribeInstanceInformation":           (*Gateway).describeInstanceInformation,
	"GetConnectionStatus":                   (*Gateway).getConnectionStatus,
	"DescribeAssociationExecutionTargets":   (*Gateway).describeAssociationExecutionTargets,
	"StartAssociationsOnce":                 (*Gateway).startAssociationsOnce,
	"DescribeEffectiveInstanceAssociations": (*Gateway).describeEffectiveInstanceAssociations,
	"DescribeInstanceAssociationsStatus":    (*Gateway).describeInstanceAssociationsStatus,
}

func (g *Gateway) showDocuments(w http.ResponseWriter, r *http.Request, c call) {
	g.passDocument(w, r, c)
}

// passDocument adds the platforms that AWS, unlike moto, determines for a document of shell scripts. It reports whether
// the call succeeded.
func (g *Gateway) passDocument(w http.ResponseWriter, r *http.Request, c call) bool {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return false
	}
	answer.body = bytes.ReplaceAll(answer.body, []byte(`["Not Implemented (moto)"]`), []byte(`["Linux", "MacOS"]`))
	answer.write(w)
	return answer.ok()
}

// ask makes an SSM call of the gateway's own.
func (g *Gateway) ask(r *http.Request, action string, in, out any) (reply, error) {
	return g.askJSON(r, "ssm", "AmazonSSM."+action, in, out)
}
