package contract

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// reservedBeginnings are how names begin that AWS keeps to itself, in lower case: documents cannot begin with "aws",
// "amazon" or "amzn", parameters not with "aws" or "ssm", buckets not with "amzn-s3-demo-" or "sthree-".
var reservedBeginnings = []string{"amazon", "amzn", "aws", "ssm", "sthree"}

// letterRE is a name that begins with a letter, as the identifier of an RDS instance must.
var letterRE = regexp.MustCompile(`^[A-Za-z]`)

// CheckProject refuses a project or stack that cannot name what a stack has in AWS. Both are 1 to 100 letters, digits
// and "_.-", which Pulumi sees to itself; the project begins with a letter, and with none of the beginnings that AWS
// reserves. What is wrong with both is said at once.
func CheckProject(project, stack string) error {
	var problems []error
	if begin := ReservedBeginning(project); begin != "" {
		problems = append(problems, fmt.Errorf("project %q begins with %q, which AWS reserves for names of its own; "+
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

// ReservedBeginning is how a name begins that AWS reserves, "" for a name that may be used.
func ReservedBeginning(name string) string {
	for _, begin := range reservedBeginnings {
		if strings.HasPrefix(strings.ToLower(name), begin) {
			return begin
		}
	}
	return ""
}
