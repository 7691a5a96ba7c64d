package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

const (
	// maxDocument is SSM's limit for a document's content, in bytes.
	maxDocument = 64 << 10
	// maxStandard is Parameter Store's limit for a standard parameter's value, in bytes.
	maxStandard = 4 << 10
)

// ssm answers what moto lacks, refuses what AWS would refuse, and leaves the rest to moto.
func (g *Gateway) ssm(w http.ResponseWriter, r *http.Request, c call) {
	switch c.action {
	case "CreateAssociation":
		g.createAssociation(w, r, c)
	case "UpdateAssociation":
		g.updateAssociation(w, c)
	case "DescribeAssociation":
		g.describeAssociation(w, c)
	case "DeleteAssociation":
		g.deleteAssociation(w, c)
	case "ListAssociations":
		g.listAssociations(w, c)
	case "DescribeAssociationExecutions":
		c.answer(w, map[string]any{"AssociationExecutions": []any{}}) // no host has an agent yet
	case "DescribeInstanceInformation":
		c.answer(w, map[string]any{"InstanceInformationList": []any{}}) // likewise
	case "AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource":
		g.associationTags(w, r, c)
	case "GetParameter", "GetParameters":
		g.publicParameters(w, r, c)
	case "DeleteDocument":
		g.deleteDocument(w, r, c)
	case "CreateDocument", "UpdateDocument", "PutParameter":
		g.withinLimits(w, r, c)
	default:
		g.moto.ServeHTTP(w, r)
	}
}

// withinLimits refuses what is too large or not permitted, which moto would take.
func (g *Gateway) withinLimits(w http.ResponseWriter, r *http.Request, c call) {
	var in struct{ Content, Value, Tier string }
	if !c.parse(w, &in) {
		return
	}
	switch {
	case len(in.Content) > maxDocument:
		c.fail(w, http.StatusBadRequest, "MaxDocumentSizeExceeded", "The document exceeds 64 KB")
	case c.action == "PutParameter" && in.Tier != "Advanced" && len(in.Value) > maxStandard:
		c.fail(w, http.StatusBadRequest, "ValidationException",
			"Standard tier parameters support a maximum parameter value of 4096 characters")
	case c.action == "PutParameter" && strings.Contains(in.Value, "{{"):
		c.fail(w, http.StatusBadRequest, "ValidationException", "Parameter value can't contain {{}}")
	default:
		g.moto.ServeHTTP(w, r)
	}
}

// parse reads the call's input, or answers that it cannot be read.
func (c call) parse(w http.ResponseWriter, in any) bool {
	if err := json.Unmarshal(c.body, in); err != nil {
		c.fail(w, http.StatusBadRequest, "SerializationException", "%v", err)
		return false
	}
	return true
}

// ask sends an SSM call of the gateway's own to moto and reads the result; it tells whether moto took it.
func (g *Gateway) ask(r *http.Request, action string, in, out any) (bool, error) {
	return g.askService(r, "AmazonSSM."+action, in, out)
}

func (g *Gateway) askService(r *http.Request, target string, in, out any) (bool, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return false, err
	}
	response, err := g.do(r, http.MethodPost, "/", http.Header{
		"Authorization": r.Header["Authorization"], "X-Amz-Target": {target},
		"Content-Type": {"application/x-amz-json-1.1"},
	}, body)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		_, err := io.Copy(io.Discard, response.Body)
		return false, err
	}
	return true, json.NewDecoder(response.Body).Decode(out)
}
