package providertest

import (
	"context"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
)

// Resource is a resource that a test has created.
type Resource struct {
	Engine    *Engine
	Token, ID string
	// Inputs are the checked inputs, Outputs all stored properties.
	Inputs, Outputs provider.Values
	secrets         []string // outputs that came as secrets
}

// Diff compares the resource's inputs with new, checked ones.
func (r *Resource) Diff(news provider.Values) *pulumirpc.DiffResponse {
	e := r.Engine
	e.T.Helper()
	got, err := e.Client.Diff(e.T.Context(), &pulumirpc.DiffRequest{
		Urn: e.URN(r.Token), Id: r.ID, Olds: e.Encode(r.Outputs), OldInputs: e.Encode(r.Inputs), News: e.Encode(news),
	})
	if err != nil {
		e.T.Fatalf("diff %s: %v", r.Token, err)
	}
	return got
}

// Update brings the resource to new inputs in place.
func (r *Resource) Update(inputs provider.Values) {
	r.Engine.T.Helper()
	if err := r.TryUpdate(inputs); err != nil {
		r.Engine.T.Fatalf("update %s: %v", r.Token, err)
	}
}

// TryUpdate is Update for what may fail.
func (r *Resource) TryUpdate(inputs provider.Values) error {
	e := r.Engine
	e.T.Helper()
	in := e.Checked(r.Token, r.Inputs, inputs)
	got, err := e.Client.Update(e.T.Context(), &pulumirpc.UpdateRequest{
		Urn: e.URN(r.Token), Id: r.ID, Olds: e.Encode(r.Outputs), OldInputs: e.Encode(r.Inputs), News: e.Encode(in),
	})
	if err != nil {
		return err
	}
	r.Inputs, r.Outputs, r.secrets = in, e.Decode(got.Properties), secrets(got.Properties)
	return nil
}

// PreviewedUpdate returns what a preview says the resource will look like with new inputs.
func (r *Resource) PreviewedUpdate(inputs provider.Values) provider.Values {
	e := r.Engine
	e.T.Helper()
	got, err := e.Client.Update(e.T.Context(), &pulumirpc.UpdateRequest{
		Urn: e.URN(r.Token), Id: r.ID, Olds: e.Encode(r.Outputs), OldInputs: e.Encode(r.Inputs),
		News: e.Encode(e.Checked(r.Token, r.Inputs, inputs)), Preview: true,
	})
	if err != nil {
		e.T.Fatalf("preview the update of %s: %v", r.Token, err)
	}
	return e.Decode(got.Properties)
}

// Refresh reads the resource; the id is "" when it is gone.
func (r *Resource) Refresh() (id string, inputs, outputs provider.Values) {
	r.Engine.T.Helper()
	return r.Engine.Read(r.Token, r.ID, r.Inputs, r.Outputs)
}

// Delete removes the resource and fails the test when that fails.
func (r *Resource) Delete(ctx context.Context) {
	r.Engine.T.Helper()
	if err := r.TryDelete(ctx); err != nil {
		r.Engine.T.Errorf("delete %s: %v", r.Token, err)
	}
	r.ID = ""
}

// TryDelete is Delete for what may fail.
func (r *Resource) TryDelete(ctx context.Context) error {
	e := r.Engine
	_, err := e.Client.Delete(ctx, &pulumirpc.DeleteRequest{
		Urn: e.URN(r.Token), Id: r.ID, Properties: e.Encode(r.Outputs), OldInputs: e.Encode(r.Inputs),
	})
	return err
}
