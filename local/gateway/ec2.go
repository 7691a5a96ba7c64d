package gateway

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"regexp"
)

var ec2Handlers = map[string]handler{
	"RunInstances":                         (*Gateway).runInstances,
	"ModifyInstanceAttribute":              (*Gateway).modifyInstanceAttribute,
	"DescribeInstanceAttribute":            (*Gateway).describeInstanceAttribute,
	"ModifyInstanceMetadataOptions":        (*Gateway).modifyMetadataOptions,
	"ModifyInstanceCreditSpecification":    (*Gateway).modifyCredits,
	"AuthorizeSecurityGroupIngress":        (*Gateway).authorize,
	"AuthorizeSecurityGroupEgress":         (*Gateway).authorize,
	"ModifySecurityGroupRules":             (*Gateway).modifyRules,
	"StopInstances":                        (*Gateway).hostingCall,
	"StartInstances":                       (*Gateway).hostingCall,
	"RebootInstances":                      (*Gateway).hostingCall,
	"TerminateInstances":                   (*Gateway).hostingCall,
	"AttachVolume":                         (*Gateway).hostingCall,
	"DetachVolume":                         (*Gateway).detachVolume,
	"DeleteVolume":                         (*Gateway).hostingCall,
	"ModifyVolume":                         (*Gateway).hostingCall,
	"AssociateIamInstanceProfile":          (*Gateway).hostingCall,
	"DisassociateIamInstanceProfile":       (*Gateway).hostingCall,
	"ReplaceIamInstanceProfileAssociation": (*Gateway).hostingCall,
	"AssociateAddress":                     (*Gateway).hostingCall,
	"DisassociateAddress":                  (*Gateway).hostingCall,
	"ReleaseAddress":                       (*Gateway).hostingCall,
	"DescribeInstanceStatus":               (*Gateway).describeInstanceStatus,
	"AllocateAddress":                      (*Gateway).allocateAddress,
	"DeleteNatGateway":                     (*Gateway).deleteNatGateway,
}

// corrected forwards a call and corrects the answer.
func (g *Gateway) corrected(w http.ResponseWriter, r *http.Request, c call) {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	g.correct(&answer)
	answer.write(w)
}

var groupRule = regexp.MustCompile(`<securityGroupRuleId>(sgr-[0-9a-f]+)</securityGroupRuleId>.*?</item>`)

// correct adds to an answer of EC2 what moto leaves out or gets wrong.
func (g *Gateway) correct(answer *reply) {
	if !answer.ok() {
		return
	}
	body := bytes.ReplaceAll(answer.body, []byte(`{'State': 'associated'}`), []byte("associated"))
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	// The order does not matter: the elements of an item are identified by their names.
	body = groupRule.ReplaceAllFunc(body, func(rule []byte) []byte {
		description, ok := g.state.descriptions[string(groupRule.FindSubmatch(rule)[1])]
		if !ok || bytes.Contains(rule, []byte("<description>")) {
			return rule
		}
		var escaped bytes.Buffer
		_ = xml.EscapeText(&escaped, []byte(description)) // a bytes.Buffer never fails
		return bytes.Replace(rule, []byte("</referencedGroupInfo>"),
			[]byte("</referencedGroupInfo><description>"+escaped.String()+"</description>"), 1)
	})
	answer.body = body
}

// authorize stores the description of a rule about a security group, which moto stores only for addresses.
func (g *Gateway) authorize(w http.ResponseWriter, r *http.Request, c call) {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	description := c.form.Get("IpPermissions.1.Groups.1.Description")
	var made struct {
		IDs []string `xml:"securityGroupRuleSet>item>securityGroupRuleId"`
	}
	if answer.ok() && description != "" && xml.Unmarshal(answer.body, &made) == nil && len(made.IDs) == 1 {
		g.state.describeRule(made.IDs[0], description)
	}
	g.correct(&answer)
	answer.write(w)
}

func (g *Gateway) modifyRules(w http.ResponseWriter, r *http.Request, c call) {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	const prefix = "SecurityGroupRule.1."
	if answer.ok() && c.form.Has(prefix+"SecurityGroupRule.ReferencedGroupId") {
		g.state.describeRule(c.form.Get(prefix+"SecurityGroupRuleId"), c.form.Get(prefix+"SecurityGroupRule.Description"))
	}
	answer.write(w)
}

func (s *state) describeRule(id, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.descriptions[id] = description
}

// respond answers a call to EC2.
func (c call) respond(w http.ResponseWriter, content string) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	_, _ = w.Write([]byte("<" + c.action + `Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15">` + content +
		"<requestId>laptop</requestId></" + c.action + "Response>"))
}

func (c call) succeed(w http.ResponseWriter) { c.respond(w, "<return>true</return>") }
