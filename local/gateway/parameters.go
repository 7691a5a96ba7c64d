package gateway

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"webstack/local/moto"
)

const (
	// maxStandard and maxAdvanced are Parameter Store's limits for a value, in bytes, by tier.
	maxStandard = 4 << 10
	maxAdvanced = 8 << 10
	// maxLevels is how deep a parameter's name may be, in slashes.
	maxLevels = 15
)

var (
	parameterName = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)
	// ubuntu are the public parameters that name Canonical's current image. moto does not have them, and nobody may write
	// them.
	ubuntu = regexp.MustCompile(`^/aws/service/canonical/ubuntu/server/24\.04/stable/current/` +
		`(arm64|amd64)/hvm/ebs-gp3/ami-id$`)
)

// publicParameter returns a public parameter of Canonical, as GetParameter shows it; nil if name is not one.
func publicParameter(c call, name string) map[string]any {
	found := ubuntu.FindStringSubmatch(name)
	if found == nil {
		return nil
	}
	return map[string]any{
		"Name": name, "Type": "String", "DataType": "aws:ec2:image", "Value": moto.Image(found[1]), "Version": 1,
		"ARN": "arn:aws:ssm:" + c.region + "::parameter" + name, "LastModifiedDate": 1750000000,
	}
}

func (g *Gateway) getParameter(w http.ResponseWriter, r *http.Request, c call) {
	var in struct{ Name string }
	if !c.parse(w, &in) {
		return
	}
	if public := publicParameter(c, in.Name); public != nil {
		c.answer(w, map[string]any{"Parameter": public})
		return
	}
	g.moto.ServeHTTP(w, r)
}

func (g *Gateway) getParameters(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		Names          []string
		WithDecryption bool
	}
	if !c.parse(w, &in) {
		return
	}
	var public []any
	var others []string
	for _, name := range in.Names {
		if found := publicParameter(c, name); found != nil {
			public = append(public, found)
		} else {
			others = append(others, name)
		}
	}
	if public == nil {
		g.moto.ServeHTTP(w, r)
		return
	}
	out := struct {
		Parameters        []any
		InvalidParameters []string
	}{InvalidParameters: []string{}}
	if others != nil {
		in.Names = others
		answer, err := g.ask(r, c.action, in, &out)
		if err != nil {
			c.unavailable(w, err)
			return
		}
		if !answer.ok() {
			answer.write(w)
			return
		}
	}
	out.Parameters = append(out.Parameters, public...)
	c.answer(w, out)
}

// parameter is the part of PutParameter's input that is checked here.
type parameter struct{ Name, Value, Tier, Type, KeyID string }

func (g *Gateway) putParameter(w http.ResponseWriter, r *http.Request, c call) {
	var in parameter
	if !c.parse(w, &in) {
		return
	}
	if problem := in.check(); problem != nil {
		c.refuse(w, problem)
		return
	}
	if in.Type == "SecureString" && in.KeyID != "" && in.KeyID != "alias/aws/ssm" {
		var key json.RawMessage
		answer, err := g.askJSON(r, "kms", "TrentService.DescribeKey", map[string]string{"KeyId": in.KeyID}, &key)
		if err != nil {
			c.unavailable(w, err)
			return
		}
		if !answer.ok() {
			c.refuse(w, wrong("InvalidKeyId", "Invalid keyId %s", in.KeyID))
			return
		}
	}
	g.moto.ServeHTTP(w, r)
}

// check reports what AWS would reject and moto would accept.
func (p parameter) check() *problem {
	limit := maxStandard
	if p.Tier == "Advanced" || p.Tier == "Intelligent-Tiering" {
		limit = maxAdvanced
	}
	switch {
	case !parameterName.MatchString(p.Name):
		return wrong("ValidationException", "Parameter name: only a-zA-Z0-9_.- and / are allowed, not %q", p.Name)
	case strings.Contains(p.Name, "/") && !strings.HasPrefix(p.Name, "/"):
		return wrong("ValidationException", "Parameter name must be a fully qualified name: begin %q with a slash", p.Name)
	case strings.Count(p.Name, "/") > maxLevels:
		return wrong("HierarchyLevelLimitExceededException", "Parameter name: at most %d levels are allowed", maxLevels)
	case strings.Contains(p.Value, "{{"):
		return wrong("ValidationException", `Parameter value can't nest another parameter. Do not use "{{}}" in the value`)
	case len(p.Value) > limit:
		return wrong("ValidationException", "Parameter value of %d characters is longer than the %d of its tier",
			utf8.RuneCountInString(p.Value), limit)
	}
	return nil
}
