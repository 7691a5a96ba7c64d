package contract

import (
	"errors"
	"fmt"
	"strings"

	"webstack/internal/lazyregexp"
)

// reservedBeginnings are beginnings of names that AWS reserves, in lower case: names of documents cannot begin with
// "aws", "amazon" or "amzn", parameters not with "aws" or "ssm", buckets not with "amzn-s3-demo-" or "sthree-".
var reservedBeginnings = []string{"amazon", "amzn", "aws", "ssm", "sthree"}

// letterRE matches a name that begins with a letter, as the identifier of an RDS instance must.
var letterRE = lazyregexp.New(`^[A-Za-z]`)

// CheckProject refuses names of projects and stacks that cannot be part of names in AWS. Both are 1 to 100 letters,
// digits and "_.-", which Pulumi itself ensures; the project begins with a letter, and not with a beginning that AWS
// reserves. It reports the problems of both at once.
func CheckProject(project, stack string) error {
	var problems []error
	if begin := ReservedBeginning(project); begin != "" {
		problems = append(problems, fmt.Errorf("project %q begins with %q, which AWS reserves for its own names; "+
			"change the name in Pulumi.yaml", project, begin))
	} else if !projectRE.MatchString(project) || !letterRE.MatchString(project) {
		problems = append(problems, fmt.Errorf("project %q is not 1 to 100 letters, digits and _.- that begin with a letter; "+
			"change the name in Pulumi.yaml", project))
	}
	if !projectRE.MatchString(stack) {
		problems = append(problems, fmt.Errorf("stack %q is not 1 to 100 letters, digits and _.-; rename it with "+
			"pulumi stack rename", stack))
	}
	return errors.Join(problems...)
}

// ReservedBeginning returns the beginning of name that AWS reserves, "" if name is not reserved.
func ReservedBeginning(name string) string {
	for _, begin := range reservedBeginnings {
		if strings.HasPrefix(strings.ToLower(name), begin) {
			return begin
		}
	}
	return ""
}
