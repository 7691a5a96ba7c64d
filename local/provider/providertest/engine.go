package providertest

import (
	"context"
	"errors"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
)

// URN returns the URN of the engine's resource of that type.
func (e *Engine) URN(token string) string {
	return "urn:pulumi:test::webstack::" + token + "::" + e.Name
}

// Check returns the checked inputs and what is wrong with them. old are the checked inputs of the last run.
func (e *Engine) Check(token string, old, inputs provider.Values) (provider.Values, []string) {
	e.T.Helper()
	got, err := e.Client.Check(e.T.Context(), &pulumirpc.CheckRequest{
		Urn: e.URN(token), Olds: e.Encode(old), News: e.Encode(inputs), RandomSeed: []byte(e.Name + token),
	})
	if err != nil {
		e.T.Fatalf("check %s: %v", token, err)
	}
	var problems []string
	for _, failure := range got.Failures {
		problems = append(problems, failure.Reason)
	}
	return e.Decode(got.Inputs), problems
}

// Checked is Check for inputs that must be good.
func (e *Engine) Checked(token string, old, inputs provider.Values) provider.Values {
	e.T.Helper()
	in, problems := e.Check(token, old, inputs)
	if len(problems) > 0 {
		e.T.Fatalf("check %s: %s", token, strings.Join(problems, "; "))
	}
	return in
}

// Previewed returns what a preview says a new resource will look like.
func (e *Engine) Previewed(token string, inputs provider.Values) provider.Values {
	e.T.Helper()
	in := e.Checked(token, nil, inputs)
	got, err := e.Client.Create(e.T.Context(), &pulumirpc.CreateRequest{
		Urn: e.URN(token), Properties: e.Encode(in), Preview: true,
	})
	if err != nil {
		e.T.Fatalf("preview %s: %v", token, err)
	}
	return e.Decode(got.Properties)
}

// Create makes a resource and deletes it again at the end of the test.
func (e *Engine) Create(token string, inputs provider.Values) *Resource {
	e.T.Helper()
	r, err := e.TryCreate(token, inputs)
	if err != nil {
		e.T.Fatalf("create %s: %v", token, err)
	}
	return r
}

// TryCreate is Create for what may fail.
func (e *Engine) TryCreate(token string, inputs provider.Values) (*Resource, error) {
	e.T.Helper()
	in := e.Checked(token, nil, inputs)
	got, err := e.Client.Create(e.T.Context(), &pulumirpc.CreateRequest{Urn: e.URN(token), Properties: e.Encode(in)})
	if err != nil {
		return nil, err
	}
	r := &Resource{
		Engine: e, Token: token, ID: got.Id, Inputs: in, Outputs: e.Decode(got.Properties), secrets: secrets(got.Properties),
	}
	e.T.Cleanup(func() {
		if r.ID != "" {
			r.Delete(context.WithoutCancel(e.T.Context()))
		}
	})
	return r, nil
}

// Read reads a resource; the id is "" when it is gone. Without inputs and outputs it is an import.
func (e *Engine) Read(token, id string, inputs, outputs provider.Values) (string, provider.Values, provider.Values) {
	e.T.Helper()
	got, err := e.Client.Read(e.T.Context(), &pulumirpc.ReadRequest{
		Urn: e.URN(token), Id: id, Inputs: e.Encode(inputs), Properties: e.Encode(outputs),
	})
	if err != nil {
		e.T.Fatalf("read %s %s: %v", token, id, err)
	}
	return got.Id, e.Decode(got.Inputs), e.Decode(got.Properties)
}

// Invoke calls a function.
func (e *Engine) Invoke(token string, args provider.Values) (provider.Values, error) {
	e.T.Helper()
	got, err := e.Client.Invoke(e.T.Context(), &pulumirpc.InvokeRequest{Tok: token, Args: e.Encode(args)})
	if err != nil {
		return nil, err
	}
	for _, failure := range got.Failures {
		return nil, errors.New(failure.Reason)
	}
	return e.Decode(got.Return), nil
}
