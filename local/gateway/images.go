package gateway

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// ubuntu are the public parameters that name Canonical's current image. moto has none of them, and nobody may write them.
var ubuntu = regexp.MustCompile(
	`^/aws/service/canonical/ubuntu/server/24\.04/stable/current/(arm64|amd64)/hvm/ebs-gp3/ami-id$`)

// publicParameters answers for the image parameters and leaves all others to moto.
func (g *Gateway) publicParameters(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		Name  string
		Names []string
	}
	if !c.parse(w, &in) {
		return
	}
	for _, name := range append(in.Names, in.Name) {
		found := ubuntu.FindStringSubmatch(name)
		if found == nil {
			continue
		}
		image, err := g.image(r, found[1])
		if err != nil {
			c.fail(w, http.StatusInternalServerError, "InternalServerError", "%v", err)
			return
		}
		parameter := map[string]any{
			"Name": name, "Type": "String", "DataType": "aws:ec2:image", "Value": image, "Version": 1,
			"ARN": "arn:aws:ssm:::parameter" + name,
		}
		if c.action == "GetParameter" {
			c.answer(w, map[string]any{"Parameter": parameter})
		} else {
			c.answer(w, map[string]any{"Parameters": []any{parameter}, "InvalidParameters": []any{}})
		}
		return
	}
	g.moto.ServeHTTP(w, r)
}

// image is the id of an Ubuntu image in the account, registered when it is first asked for.
func (g *Gateway) image(r *http.Request, arch string) (string, error) {
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	if id := g.state.images[arch]; id != "" {
		return id, nil
	}
	amazon := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[arch]
	form := url.Values{
		"Action": {"RegisterImage"}, "Version": {"2016-11-15"}, "Architecture": {amazon}, "RootDeviceName": {"/dev/sda1"},
		"Name":        {"ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-" + arch + "-server"},
		"Description": {"Canonical, Ubuntu, 24.04"}, "VirtualizationType": {"hvm"},
	}
	authorization := strings.Replace(r.Header.Get("Authorization"), "/ssm/aws4_request", "/ec2/aws4_request", 1)
	response, err := g.do(r, http.MethodPost, "/", http.Header{
		"Authorization": {authorization}, "Content-Type": {"application/x-www-form-urlencoded"},
	}, []byte(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("register the Ubuntu image: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var made struct {
		ImageID string `xml:"imageId"`
	}
	err = xml.NewDecoder(response.Body).Decode(&made)
	if err == nil && made.ImageID == "" {
		err = errors.New("moto gave it no id")
	}
	if err != nil {
		return "", fmt.Errorf("register the Ubuntu image: %w", err)
	}
	g.state.images[arch] = made.ImageID
	return made.ImageID, nil
}
