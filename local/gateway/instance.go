package gateway

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
)

// instance is what moto does not store about an instance.
type instance struct {
	userData *string
}

// launch is the answer to a call with a client token, in case the same call is repeated.
type launch struct {
	parameters string
	answer     reply
}

// runInstances launches once per client token. A client that repeats a call without an answer relies on that.
func (g *Gateway) runInstances(w http.ResponseWriter, r *http.Request, c call) {
	// Calls with a token wait for each other; otherwise two concurrent ones would both launch.
	g.state.launching.Lock()
	defer g.state.launching.Unlock()
	token := c.form.Get("ClientToken")
	if earlier, ok := g.state.launches[token]; ok && token != "" {
		if earlier.parameters != c.form.Encode() {
			c.refuse(w, wrong("IdempotentParameterMismatch", "The client token %s was used with other parameters", token))
			return
		}
		earlier.answer.write(w)
		return
	}
	answer, err := g.launch(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if answer.ok() && token != "" {
		g.state.launches[token] = launch{c.form.Encode(), answer}
	}
	answer.write(w)
}

func (g *Gateway) launch(r *http.Request, c call) (reply, error) {
	answer, err := g.forward(r, c)
	if err != nil || !answer.ok() {
		return answer, err
	}
	var launched struct {
		IDs []string `xml:"instancesSet>item>instanceId"`
	}
	if err := xml.Unmarshal(answer.body, &launched); err != nil {
		return reply{}, err
	}
	if g.hosting != nil {
		for _, id := range launched.IDs {
			g.hosting.boot(c.region, id, c.form.Get("UserData"))
		}
	}
	g.correct(&answer)
	return answer, nil
}

func (s *state) changeInstance(id string, change func(*instance)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.instances[id]
	change(&i)
	s.instances[id] = i
}

func (s *state) instance(id string) instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instances[id]
}

// describe asks moto for one instance, and answers the client if there is none.
func (g *Gateway) describe(w http.ResponseWriter, r *http.Request, c call, id string) (describedInstance, bool) {
	answer, err := g.askEC2(r, "DescribeInstances", url.Values{"InstanceId.1": {id}})
	var described struct {
		Instances []describedInstance `xml:"reservationSet>item>instancesSet>item"`
	}
	if err == nil && answer.ok() {
		err = xml.Unmarshal(answer.body, &described)
	}
	switch {
	case err != nil:
		c.unavailable(w, err)
	case !answer.ok():
		answer.write(w)
	case len(described.Instances) == 1:
		return described.Instances[0], true
	default:
		c.refuse(w, wrong("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id))
	}
	return describedInstance{}, false
}

// describedInstance is the part of DescribeInstances's answer about an instance that is used here.
type describedInstance struct {
	State    string `xml:"instanceState>name"`
	Metadata struct {
		HTTPTokens              string `xml:"httpTokens"`
		HTTPPutResponseHopLimit string `xml:"httpPutResponseHopLimit"`
		HTTPEndpoint            string `xml:"httpEndpoint"`
		HTTPProtocolIpv6        string `xml:"httpProtocolIpv6"`
		InstanceMetadataTags    string `xml:"instanceMetadataTags"`
	} `xml:"metadataOptions"`
}

// modifyInstanceAttribute keeps new user data here: moto always considers it malformed.
func (g *Gateway) modifyInstanceAttribute(w http.ResponseWriter, r *http.Request, c call) {
	data, ok := c.form["UserData.Value"]
	if !ok {
		g.corrected(w, r, c)
		return
	}
	id := c.form.Get("InstanceId")
	found, ok := g.describe(w, r, c, id)
	if !ok {
		return
	}
	if found.State != "stopped" {
		c.refuse(w, wrong("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", id))
		return
	}
	if _, err := base64.StdEncoding.DecodeString(data[0]); err != nil {
		c.refuse(w, wrong("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."))
		return
	}
	g.state.changeInstance(id, func(i *instance) { i.userData = &data[0] })
	c.succeed(w)
}

func (g *Gateway) describeInstanceAttribute(w http.ResponseWriter, r *http.Request, c call) {
	id := c.form.Get("InstanceId")
	data := g.state.instance(id).userData
	if c.form.Get("Attribute") != "userData" || data == nil {
		g.corrected(w, r, c)
		return
	}
	c.respond(w, "<instanceId>"+id+"</instanceId><userData><value>"+*data+"</value></userData>")
}

// modifyMetadataOptions adds the options that the call omits, which moto would forget.
func (g *Gateway) modifyMetadataOptions(w http.ResponseWriter, r *http.Request, c call) {
	found, ok := g.describe(w, r, c, c.form.Get("InstanceId"))
	if !ok {
		return
	}
	for name, value := range map[string]string{
		"HttpTokens": found.Metadata.HTTPTokens, "HttpPutResponseHopLimit": found.Metadata.HTTPPutResponseHopLimit,
		"HttpEndpoint": found.Metadata.HTTPEndpoint, "HttpProtocolIpv6": found.Metadata.HTTPProtocolIpv6,
		"InstanceMetadataTags": found.Metadata.InstanceMetadataTags,
	} {
		if !c.form.Has(name) && value != "" {
			c.form.Set(name, value)
		}
	}
	answer, err := g.askEC2(r, c.action, c.form)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if answer.ok() && g.hosting != nil {
		g.hosting.setMetadata(c.region, c.form.Get("InstanceId"))
	}
	answer.write(w)
}

// modifyCredits accepts what moto does not support. The laptop cloud counts no CPU credits, so no instance can have more
// than the standard ones.
func (g *Gateway) modifyCredits(w http.ResponseWriter, r *http.Request, c call) {
	const prefix = "InstanceCreditSpecification.1."
	id, credits := c.form.Get(prefix+"InstanceId"), c.form.Get(prefix+"CpuCredits")
	if credits != "standard" {
		c.refuse(w, wrong("InvalidParameterValue", "In the laptop cloud CpuCredits must be standard, not '%s'", credits))
		return
	}
	if _, ok := g.describe(w, r, c, id); !ok {
		return
	}
	c.respond(w, "<successfulInstanceCreditSpecificationSet><item><instanceId>"+id+
		"</instanceId></item></successfulInstanceCreditSpecificationSet><unsuccessfulInstanceCreditSpecificationSet/>")
}
