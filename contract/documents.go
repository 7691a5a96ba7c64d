package contract

import "webstack/internal/naming"

// maxDocumentName is SSM's limit for the names of documents and associations.
const maxDocumentName = 128

// The purposes of a stack's documents, which are the last parts of their names. The app's name follows in the names of
// deploy documents.
const (
	DocConverge    = "converge"
	DocDeploy      = "deploy"
	DocStatus      = "status"
	DocLogs        = "logs"
	DocMaintenance = "maintenance"
	DocBackup      = "backup"
	DocRestore     = "restore"
)

// DocumentName returns the name of a stack's document, or of the association with the same name.
func DocumentName(project, stack string, parts ...string) string {
	return naming.Name(maxDocumentName, append([]string{NamePrefix(project, stack)}, parts...)...)
}
