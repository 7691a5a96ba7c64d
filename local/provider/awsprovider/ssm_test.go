package awsprovider

import (
	"strings"
	"testing"

	"webstack/local/provider"
)

func script(line string) string {
	return `{"schemaVersion":"2.2","description":"test","mainSteps":[{"action":"aws:runShellScript","name":"run",` +
		`"inputs":{"runCommand":["` + line + `"]}}]}`
}

func TestDocument(t *testing.T) {
	t.Parallel()
	lifecycle{
		token: "aws:ssm/document:Document",
		inputs: provider.Values{
			"content": script("true"), "documentType": "Command", "targetType": "/AWS::EC2::Instance",
			"tags": provider.Values{"Name": "converge"},
		},
		unknown: []string{"arn", "latestVersion", "hash"},
		want:    provider.Values{"documentFormat": "JSON", "defaultVersion": "1", "schemaVersion": "2.2"},
		update:  provider.Values{"content": script("date"), "tags": provider.Values{"Owner": "ops"}},
		replace: []provider.Values{{"name": "other"}},
	}.run(t, newEngine(t))
}

func TestChangedDocumentIsInForce(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	inputs := provider.Values{"content": script("true"), "documentType": "Command"}
	r := e.create("aws:ssm/document:Document", inputs)
	r.update(merged(inputs, provider.Values{"content": script("date")}))
	if r.outputs.Str("defaultVersion") != "2" || r.outputs.Str("latestVersion") != "2" {
		t.Errorf("versions: %v", r.outputs)
	}
}

func TestParameter(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	key := e.create("aws:kms/key:Key", provider.Values{"description": "parameters"})
	for name, parameter := range map[string]lifecycle{
		"secret": {
			inputs: provider.Values{
				"type": "SecureString", "value": "hush", "keyId": key.outputs["arn"], "tags": provider.Values{"Name": "p"},
			},
			update: provider.Values{"value": "hush hush", "tags": provider.Values{"Owner": "ops"}},
		},
		"plain": {
			inputs: provider.Values{"type": "String", "insecureValue": "here", "description": "where"},
			update: provider.Values{"insecureValue": "there", "description": "whereabouts"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameter.token = "aws:ssm/parameter:Parameter"
			parameter.unknown = []string{"arn", "version"}
			parameter.replace = []provider.Values{{"name": "/other"}, {"dataType": "aws:ec2:image"}}
			parameter.notImported = []string{"insecureValue", "value"} // which of the two it was
			parameter.run(t, newEngine(t))
		})
	}
}

func TestParameterIsNotTakenOver(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	inputs := provider.Values{"name": "/" + e.name, "type": "String", "insecureValue": "mine"}
	e.create("aws:ssm/parameter:Parameter", inputs)
	if _, err := e.tryCreate("aws:ssm/parameter:Parameter", inputs); err == nil ||
		!strings.Contains(err.Error(), "ParameterAlreadyExists") {
		t.Errorf("a second one: %v", err)
	}
}

func TestAssociation(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one := e.create("aws:ssm/document:Document", provider.Values{
		"name": e.name + "-one", "documentType": "Command", "content": script("true"),
	})
	lifecycle{
		token: "aws:ssm/association:Association",
		inputs: provider.Values{
			"name": one.id, "associationName": e.name, "scheduleExpression": "rate(30 minutes)",
			"targets":         []any{provider.Values{"key": "tag:webstack:stack", "values": []any{"webstack/dev"}}},
			"documentVersion": "$DEFAULT", "parameters": provider.Values{"manifestSha256": "a"},
			"complianceSeverity": "HIGH", "maxErrors": "0", "maxConcurrency": "1",
		},
		unknown: []string{"arn", "associationId"},
		update: provider.Values{
			"scheduleExpression": "cron(15 3 ? * * *)", "parameters": provider.Values{"manifestSha256": "b"},
			"applyOnlyAtCronInterval": true,
		},
		replace: []provider.Values{{"name": "another-document"}},
	}.run(t, e)
}

func TestDocumentInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	document := e.create("aws:ssm/document:Document", provider.Values{"documentType": "Command", "content": script("true")})
	association := e.create("aws:ssm/association:Association", provider.Values{
		"name": document.id, "targets": []any{provider.Values{"key": "tag:x", "values": []any{"y"}}},
	})
	if err := document.tryDelete(t.Context()); err == nil || !strings.Contains(err.Error(), "AssociatedInstances") {
		t.Errorf("delete: %v", err)
	}
	association.delete(t.Context())
	document.delete(t.Context())
}

func TestGetParameter(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.create("aws:ssm/parameter:Parameter", provider.Values{"name": "/" + e.name, "type": "String", "insecureValue": "v"})
	found, err := e.invoke("aws:ssm/getParameter:getParameter", provider.Values{"name": "/" + e.name})
	if err != nil || found.Str("insecureValue") != "v" || found.Str("value") != "v" {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := e.invoke("aws:ssm/getParameter:getParameter", provider.Values{"name": "/none"}); err == nil {
		t.Error("a parameter that does not exist is found")
	}
}
