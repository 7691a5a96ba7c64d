package contract

import "webstack/internal/naming"

// maxDocumentName is SSM's limit for the names of documents and of associations.
const maxDocumentName = 128

// What the documents of a stack do: the last parts of their names. Those that deploy have the app's name behind it.
const (
	DocConverge = "converge"
	DocDeploy   = "deploy"
	DocStatus   = "status"
	DocLogs     = "logs"
	DocBackup   = "backup"
	DocRestore  = "restore"
)

// DocumentName is the name of a stack's document, or of the association of the same name.
func DocumentName(project, stack string, parts ...string) string {
	return naming.Name(maxDocumentName, append([]string{NamePrefix(project, stack)}, parts...)...)
}
