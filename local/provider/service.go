package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// operationTimeout limits one create, update or delete if the program does not set a timeout.
const operationTimeout = 10 * time.Minute

// service answers the engine's calls.
type service struct {
	pulumirpc.UnimplementedResourceProviderServer
	pkg     Package
	journal *Journal
}

func (s *service) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{SupportsAutonamingConfiguration: true}, nil
}

func (s *service) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: s.pkg.Version}, nil
}

func (s *service) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (s *service) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil // operations are short; each is completed, so that none is left half done
}

func (s *service) Invoke(ctx context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	instance, err := s.configured(ctx)
	if err != nil {
		return nil, err
	}
	function, ok := instance.Functions[req.Tok]
	if !ok {
		return nil, fmt.Errorf("the laptop cloud does not support the function %s", req.Tok)
	}
	args, err := decode(req.Args)
	if err != nil {
		return nil, err
	}
	args, problems := Type{Props: function.Args}.check(args, nil, naming{}, nil)
	if len(problems) > 0 {
		return &pulumirpc.InvokeResponse{Failures: failures(problems)}, nil
	}
	delete(args, defaultsKey)
	result, err := function.Call(ctx, args)
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", req.Tok, err)
	}
	encoded, err := encode(toProperties(normalise(result), nil))
	return &pulumirpc.InvokeResponse{Return: encoded}, err
}

func (s *service) Check(ctx context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	instance, t, err := s.typeOf(ctx, req.Urn)
	if err != nil {
		return nil, err
	}
	old, news, err := decodeBoth(req.Olds, req.News)
	if err != nil {
		return nil, err
	}
	named := naming{resourceName: resource.URN(req.Urn).Name(), seed: req.RandomSeed, options: req.Autonaming}
	in, problems := t.check(news, old, named, instance.DefaultTags)
	if len(problems) > 0 {
		return &pulumirpc.CheckResponse{Failures: failures(problems)}, nil
	}
	encoded, err := encode(toProperties(in, nil))
	return &pulumirpc.CheckResponse{Inputs: encoded}, err
}

func (s *service) Diff(ctx context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	_, t, err := s.typeOf(ctx, req.Urn)
	if err != nil {
		return nil, err
	}
	old, news, err := decodeBoth(req.OldInputs, req.News)
	if err != nil {
		return nil, err
	}
	diffs := withoutIgnored(t.diff(old, news), req.IgnoreChanges)
	if t.Replaces != nil && len(diffs) > 0 {
		markReplaced(diffs, t.Replaces(ctx, old, news))
	}
	return t.response(diffs, news), nil
}

func (s *service) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	_, t, err := s.typeOf(ctx, req.Urn)
	if err != nil {
		return nil, err
	}
	in, err := decode(req.Properties)
	if err != nil {
		return nil, err
	}
	if req.Preview {
		encoded, err := t.encodeState(t.previewCreate(in))
		return &pulumirpc.CreateResponse{Properties: encoded}, err
	}
	ctx, end := s.operation(ctx, req.Timeout)
	defer end()
	id, state, err := t.create(ctx, in, func(id string) { s.journal.record(req.Urn, id) })
	if err != nil {
		return nil, t.failed(fmt.Errorf("creating %s: %w", req.Urn, err), id, state, in)
	}
	encoded, err := t.encodeState(state)
	return &pulumirpc.CreateResponse{Id: id, Properties: encoded}, err
}

func (s *service) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	_, t, err := s.typeOf(ctx, req.Urn)
	if err != nil {
		return nil, err
	}
	change, err := t.change(req)
	if err != nil {
		return nil, err
	}
	if req.Preview {
		encoded, err := t.encodeState(t.previewUpdate(change))
		return &pulumirpc.UpdateResponse{Properties: encoded}, err
	}
	ctx, end := s.operation(ctx, req.Timeout)
	defer end()
	state, err := t.update(ctx, change)
	if err != nil {
		return nil, t.failed(fmt.Errorf("updating %s: %w", req.Urn, err), req.Id, state, change.oldInputs)
	}
	encoded, err := t.encodeState(state)
	return &pulumirpc.UpdateResponse{Properties: encoded}, err
}

func (t Type) change(req *pulumirpc.UpdateRequest) (Change, error) {
	old, err := decode(req.Olds)
	if err != nil {
		return Change{}, err
	}
	oldInputs, news, err := decodeBoth(req.OldInputs, req.News)
	if err != nil {
		return Change{}, err
	}
	changed := map[string]bool{}
	for _, found := range t.diff(oldInputs, news) {
		changed[found.top] = true
	}
	// Without a difference the engine is finishing a creation that failed halfway: everything must be set again.
	return Change{ID: req.Id, Old: old, New: news, oldInputs: oldInputs, changed: changed, all: len(changed) == 0}, nil
}

func (s *service) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	_, t, err := s.typeOf(ctx, req.Urn)
	if err != nil {
		return nil, err
	}
	state, inputs, err := decodeBoth(req.Properties, req.Inputs)
	if err != nil {
		return nil, err
	}
	id := req.Id
	switch {
	case len(state) == 0 && len(inputs) == 0: // an import
		inputs = nil
		id, state, err = t.imported(ctx, id)
	case len(state) == 0: // created by an engine that was killed before it recorded more than its inputs
		state = inputs
	}
	var outputs Values
	if err == nil {
		outputs, inputs, err = t.refresh(ctx, id, state, inputs)
	}
	if errors.Is(err, ErrGone) {
		return &pulumirpc.ReadResponse{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", req.Urn, err)
	}
	encoded, err := t.encodeState(outputs)
	if err != nil {
		return nil, err
	}
	encodedInputs, err := encode(toProperties(inputs, nil))
	return &pulumirpc.ReadResponse{Id: id, Properties: encoded, Inputs: encodedInputs}, err
}

func (s *service) Delete(ctx context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	_, t, err := s.typeOf(ctx, req.Urn)
	if err != nil {
		return nil, err
	}
	state, err := decode(req.Properties)
	if err != nil {
		return nil, err
	}
	ctx, end := s.operation(ctx, req.Timeout)
	defer end()
	if err := t.Delete(ctx, req.Id, state); err != nil {
		return nil, fmt.Errorf("deleting %s: %w", req.Urn, err)
	}
	s.journal.forget(req.Urn, req.Id)
	return &emptypb.Empty{}, nil
}

// operation detaches a create, update or delete from the engine: if the engine is killed, the operation still completes
// and is recorded in the journal. timeout is in seconds, 0 for the default.
func (s *service) operation(ctx context.Context, timeout float64) (context.Context, func()) {
	limit := operationTimeout
	if timeout > 0 {
		limit = time.Duration(timeout * float64(time.Second))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	end := s.journal.begin()
	return ctx, func() { cancel(); end() }
}

func (s *service) typeOf(ctx context.Context, urn string) (*Instance, Type, error) {
	instance, err := s.configured(ctx)
	if err != nil {
		return nil, Type{}, err
	}
	token := string(resource.URN(urn).Type())
	t, ok := instance.Types[token]
	if !ok {
		return nil, Type{}, fmt.Errorf("the laptop cloud does not support the resource type %s", token)
	}
	return instance, t.splittingTags(instance.DefaultTags), nil
}

// failed makes the error of a failed create or update. With an id, the engine keeps the resource and what is known.
func (t Type) failed(cause error, id string, state, in Values) error {
	if id == "" {
		return cause
	}
	properties, err := t.encodeState(state)
	if err != nil {
		return errors.Join(cause, err)
	}
	inputs, err := encode(toProperties(in, nil))
	if err != nil {
		return errors.Join(cause, err)
	}
	detail := &pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: properties, Inputs: inputs, Reasons: []string{cause.Error()},
	}
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, cause.Error()), detail)
}

func (t Type) encodeState(state Values) (*structpb.Struct, error) {
	state = state.clone()
	return encode(toProperties(state, func(key string) bool { return t.Props[key].Secret }))
}

func decode(properties *structpb.Struct) (Values, error) {
	if properties == nil {
		return nil, nil
	}
	props, err := plugin.UnmarshalProperties(properties, plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, SkipNulls: true, KeepOutputValues: true,
	})
	if err != nil {
		return nil, fmt.Errorf("read properties: %w", err)
	}
	return fromProperties(props)
}

// decodeBoth is decode for two sets of properties that belong together.
func decodeBoth(first, second *structpb.Struct) (Values, Values, error) {
	one, err := decode(first)
	if err != nil {
		return nil, nil, err
	}
	two, err := decode(second)
	return one, two, err
}

func encode(properties resource.PropertyMap) (*structpb.Struct, error) {
	out, err := plugin.MarshalProperties(properties, plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, SkipNulls: true, ComputeAssetHashes: true,
	})
	if err != nil {
		return nil, fmt.Errorf("write properties: %w", err)
	}
	return out, nil
}

func failures(problems []string) []*pulumirpc.CheckFailure {
	out := make([]*pulumirpc.CheckFailure, len(problems))
	for i, problem := range problems {
		out[i] = &pulumirpc.CheckFailure{Reason: problem}
	}
	return out
}
