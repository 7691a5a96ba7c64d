package gateway

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// numbered returns the values of a list in a call, such as those of InstanceId.1 and so on.
func (c call) numbered(name string) []string {
	var out []string
	for i := 1; c.form.Has(name + "." + strconv.Itoa(i)); i++ {
		out = append(out, c.form.Get(name+"."+strconv.Itoa(i)))
	}
	return out
}

// hostingCall forwards a call, and makes the machines follow it if it succeeds.
func (g *Gateway) hostingCall(w http.ResponseWriter, r *http.Request, c call) {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if answer.ok() && c.action == "TerminateInstances" {
		err = g.freeAddresses(r.Context(), c.region, c.numbered("InstanceId"))
	}
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if answer.ok() && g.hosting != nil && c.form.Get("DryRun") != "true" {
		g.hosting.followCall(c)
	}
	g.correct(&answer)
	answer.write(w)
}

func (h *hosting) followCall(c call) {
	volume := c.form.Get("VolumeId")
	switch c.action {
	case "AttachVolume":
		h.attach(c.region, c.form.Get("InstanceId"), volume)
	case "DetachVolume":
		h.detach(volume)
	case "DeleteVolume":
		h.deleteVolume(volume)
	case "ModifyVolume":
		h.resize(c.region, volume)
	case "StopInstances", "StartInstances", "RebootInstances", "TerminateInstances":
		h.power(c.action, c.numbered("InstanceId"))
	default:
		h.followAll()
	}
}

// detachVolume adds where the volume is attached if the call does not say so, because moto needs it.
func (g *Gateway) detachVolume(w http.ResponseWriter, r *http.Request, c call) {
	var out struct {
		Attachments []struct {
			Instance string `xml:"instanceId"`
			Device   string `xml:"device"`
		} `xml:"volumeSet>item>attachmentSet>item"`
	}
	answer, err := g.askEC2(r, "DescribeVolumes", url.Values{"VolumeId.1": {c.form.Get("VolumeId")}})
	if err == nil && answer.ok() {
		err = xml.Unmarshal(answer.body, &out)
	}
	if err != nil {
		c.unavailable(w, err)
		return
	}
	switch {
	case !answer.ok():
		answer.write(w)
		return
	case len(out.Attachments) == 0:
		c.refuse(w, wrong("IncorrectState", "Volume '%s' is in the 'available' state.", c.form.Get("VolumeId")))
		return
	}
	for name, value := range map[string]string{
		"InstanceId": out.Attachments[0].Instance, "Device": out.Attachments[0].Device,
	} {
		if !c.form.Has(name) {
			c.form.Set(name, value)
		}
	}
	c.body = []byte(c.form.Encode())
	g.hostingCall(w, r, c)
}

// freeAddresses disassociates the elastic addresses of terminated instances, which moto would not do.
func (g *Gateway) freeAddresses(ctx context.Context, region string, ids []string) error {
	for _, id := range ids {
		err := g.freeAddress(ctx, region, url.Values{"Filter.1.Name": {"instance-id"}, "Filter.1.Value.1": {id}})
		if err != nil {
			return err
		}
	}
	return nil
}

// freeAddress disassociates the elastic addresses that the parameters select.
func (g *Gateway) freeAddress(ctx context.Context, region string, parameters url.Values) error {
	var out struct {
		Associations []string `xml:"addressesSet>item>associationId"`
	}
	if err := g.readForm(ctx, region, "ec2", "DescribeAddresses", parameters, &out); err != nil {
		return err
	}
	for _, association := range out.Associations {
		if association == "" {
			continue
		}
		var done struct{}
		err := g.readForm(ctx, region, "ec2", "DisassociateAddress", url.Values{"AssociationId": {association}}, &done)
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteNatGateway frees the gateway's elastic address, which moto would not do.
func (g *Gateway) deleteNatGateway(w http.ResponseWriter, r *http.Request, c call) {
	var out struct {
		Allocations []string `xml:"natGatewaySet>item>natGatewayAddressSet>item>allocationId"`
	}
	err := g.readForm(r.Context(), c.region, "ec2", "DescribeNatGateways",
		url.Values{"NatGatewayId.1": {c.form.Get("NatGatewayId")}}, &out)
	var answer reply
	if err == nil {
		answer, err = g.forward(r, c)
	}
	for _, allocation := range out.Allocations {
		if err == nil && answer.ok() && allocation != "" {
			err = g.freeAddress(r.Context(), c.region, url.Values{"AllocationId.1": {allocation}})
		}
	}
	var unknown *refusal
	if errors.As(err, &unknown) {
		unknown.answer.write(w)
		return
	}
	if err != nil {
		c.unavailable(w, err)
		return
	}
	answer.write(w)
}

var statusItem = regexp.MustCompile(`<instanceId>(i-[0-9a-f]+)</instanceId>`)

// describeInstanceStatus reports machines that are booting, and machines that failed to boot.
func (g *Gateway) describeInstanceStatus(w http.ResponseWriter, r *http.Request, c call) {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if g.hosting != nil && answer.ok() {
		answer.body = g.hosting.correctStatus(string(answer.body))
	}
	g.correct(&answer)
	answer.write(w)
}

func (h *hosting) correctStatus(body string) []byte {
	var out strings.Builder
	at := 0
	status := func(id string) (details, summary string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		known, ok := h.known[id]
		switch {
		case ok && known.problem != nil:
			return "failed", "impaired"
		case ok && !known.booted:
			return "initializing", "initializing"
		default:
			return "passed", "ok"
		}
	}
	items := statusItem.FindAllStringSubmatchIndex(body, -1)
	for i, item := range items {
		end := len(body)
		if i+1 < len(items) {
			end = items[i+1][0]
		}
		details, summary := status(body[item[2]:item[3]])
		out.WriteString(body[at:item[0]])
		out.WriteString(strings.NewReplacer("<status>passed</status>", "<status>"+details+"</status>",
			"<status>ok</status>", "<status>"+summary+"</status>").Replace(body[item[0]:end]))
		at = end
	}
	out.WriteString(body[at:])
	return []byte(out.String())
}
