package awsprovider

import (
	"strings"
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

func script(line string) string {
	return `{"schemaVersion":"2.2","description":"test","parameters":{"manifestSha256":{"type":"String","default":""}},` +
		`"mainSteps":[{"action":"aws:runShellScript","name":"run",` +
		`"inputs":{"runCommand":["` + line + `"]}}]}`
}

func TestDocument(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token: "aws:ssm/document:Document",
		Inputs: provider.Values{
			"content": script("true"), "documentType": "Command", "targetType": "/AWS::EC2::Instance",
			"tags": provider.Values{"Name": "converge"},
		},
		Unknown:    []string{"arn", "latestVersion", "hash"},
		Want:       provider.Values{"documentFormat": "JSON", "defaultVersion": "1", "schemaVersion": "2.2"},
		Update:     provider.Values{"content": script("date"), "tags": provider.Values{"Owner": "ops"}},
		Recomputed: []string{"defaultVersion", "documentVersion", "latestVersion", "hash"},
		Replace:    []provider.Values{{"name": "other"}},
	}.Run(t, newEngine(t))
}

func TestChangedDocumentIsInForce(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	inputs := provider.Values{"content": script("true"), "documentType": "Command"}
	r := e.Create("aws:ssm/document:Document", inputs)
	r.Update(providertest.Merged(inputs, provider.Values{"content": script("date")}))
	if r.Outputs.Str("defaultVersion") != "2" || r.Outputs.Str("latestVersion") != "2" {
		t.Errorf("versions: %v", r.Outputs)
	}
}

func TestParameter(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	key := e.Create("aws:kms/key:Key", provider.Values{"description": "parameters"})
	for name, parameter := range map[string]providertest.Lifecycle{
		"secret": {
			Inputs: provider.Values{
				"type": "SecureString", "value": "hush", "keyId": key.Outputs["arn"], "tags": provider.Values{"Name": "p"},
			},
			Secrets:    []string{"value"},
			Update:     provider.Values{"value": "hush hush", "tags": provider.Values{"Owner": "ops"}},
			Recomputed: []string{"version"},
		},
		"plain": {
			Inputs: provider.Values{"type": "String", "insecureValue": "here"},
			Update: provider.Values{"insecureValue": "there"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameter.Token = "aws:ssm/parameter:Parameter"
			parameter.Unknown = []string{"arn", "version"}
			parameter.Replace = []provider.Values{{"name": "/other"}}
			parameter.NotImported = []string{"insecureValue", "value"} // which of the two it was
			parameter.Run(t, newEngine(t))
		})
	}
}

func TestParameterIsNotTakenOver(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	inputs := provider.Values{"name": "/" + e.Name, "type": "String", "insecureValue": "mine"}
	e.Create("aws:ssm/parameter:Parameter", inputs)
	if _, err := e.TryCreate("aws:ssm/parameter:Parameter", inputs); err == nil ||
		!strings.Contains(err.Error(), "ParameterAlreadyExists") {
		t.Errorf("a second one: %v", err)
	}
}

func TestAssociation(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one := e.Create("aws:ssm/document:Document", provider.Values{
		"name": e.Name + "-one", "documentType": "Command", "content": script("true"),
	})
	providertest.Lifecycle{
		Token: "aws:ssm/association:Association",
		Inputs: provider.Values{
			"name": one.ID, "associationName": e.Name, "scheduleExpression": "cron(15 3 ? * * *)", "applyOnlyAtCronInterval": true,
			"targets":         []any{provider.Values{"key": "tag:webstack:stack", "values": []any{"webstack/dev"}}},
			"documentVersion": "$DEFAULT", "parameters": provider.Values{"manifestSha256": "a"},
			"complianceSeverity": "HIGH",
		},
		Unknown: []string{"arn", "associationId"},
		Update: provider.Values{
			"scheduleExpression": "cron(0 0/1 * * ? *)", "parameters": provider.Values{"manifestSha256": "b"},
		},
		Replace: []provider.Values{{"name": "another-document"}},
	}.Run(t, e)
}

func TestDocumentInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	document := e.Create("aws:ssm/document:Document", provider.Values{
		"documentType": "Command", "content": script("true"),
	})
	association := e.Create("aws:ssm/association:Association", provider.Values{
		"name": document.ID, "targets": []any{provider.Values{"key": "tag:x", "values": []any{"y"}}},
	})
	if err := document.TryDelete(t.Context()); err == nil || !strings.Contains(err.Error(), "AssociatedInstances") {
		t.Errorf("delete: %v", err)
	}
	association.Delete(t.Context())
	document.Delete(t.Context())
}

func TestGetParameter(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.Create("aws:ssm/parameter:Parameter", provider.Values{"name": "/" + e.Name, "type": "String", "insecureValue": "v"})
	found, err := e.Invoke("aws:ssm/getParameter:getParameter", provider.Values{"name": "/" + e.Name})
	if err != nil || found.Str("insecureValue") != "v" || found.Str("value") != "v" {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := e.Invoke("aws:ssm/getParameter:getParameter", provider.Values{"name": "/none"}); err == nil {
		t.Error("a parameter that does not exist is found")
	}
}

// TestAssociationKeepsWhatTheProgramDrops: an update resets what it omits, so what the program no longer sets is sent
// unchanged.
func TestAssociationKeepsWhatTheProgramDrops(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	document := e.Create("aws:ssm/document:Document", provider.Values{
		"documentType": "Command", "content": script("true"),
	})
	inputs := provider.Values{
		"name": document.ID, "targets": []any{provider.Values{"key": "tag:x", "values": []any{"y"}}},
		"documentVersion": "1", "parameters": provider.Values{"manifestSha256": "a"}, "scheduleExpression": "rate(1 hour)",
	}
	r := e.Create("aws:ssm/association:Association", inputs)
	r.Update(providertest.Merged(inputs, provider.Values{
		"targets": nil, "parameters": nil, "documentVersion": nil, "scheduleExpression": "rate(2 hours)",
	}))
	_, _, outputs := r.Refresh()
	if outputs.Object("parameters").Str("manifestSha256") != "a" || len(outputs.List("targets")) != 1 ||
		outputs.Str("documentVersion") != "1" || outputs.Str("scheduleExpression") != "rate(2 hours)" {
		t.Errorf("outputs %v", outputs)
	}
}

// TestParameterKeepsItsKey when the program drops it.
func TestParameterKeepsItsKey(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	key := e.Create("aws:kms/key:Key", provider.Values{})
	inputs := provider.Values{"type": "SecureString", "value": "a", "keyId": key.Outputs["arn"]}
	r := e.Create("aws:ssm/parameter:Parameter", inputs)
	r.Update(providertest.Merged(inputs, provider.Values{"value": "b", "keyId": nil}))
	_, _, outputs := r.Refresh()
	if outputs["keyId"] != key.Outputs["arn"] || outputs.Str("value") != "b" {
		t.Errorf("key %v, value %v", outputs["keyId"], outputs["value"])
	}
}
