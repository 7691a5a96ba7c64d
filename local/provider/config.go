package provider

import (
	"context"
	"encoding/json"
	"fmt"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func (s *service) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, err := decode(req.News)
	if err != nil {
		return nil, err
	}
	delete(news, "version")
	delete(news, "pluginDownloadURL")
	config, err := parsedConfig(s.pkg.Config, news)
	if err != nil {
		return nil, err
	}
	config, problems := Type{Props: s.pkg.Config}.check(config, nil, naming{}, nil)
	if len(problems) > 0 {
		return &pulumirpc.CheckResponse{Failures: failures(problems)}, nil
	}
	delete(config, defaultsKey)
	return &pulumirpc.CheckResponse{Inputs: req.News}, nil
}

func (s *service) DiffConfig(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	old, news, err := decodeBoth(req.OldInputs, req.News)
	if err != nil {
		return nil, err
	}
	t := Type{Props: With(s.pkg.Config, map[string]Prop{"version": {}, "pluginDownloadURL": {}})}
	return t.response(t.diff(old, news), news), nil
}

func (s *service) Configure(ctx context.Context, req *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	args, err := decode(req.Args)
	if err != nil {
		return nil, err
	}
	config, err := parsedConfig(s.pkg.Config, args)
	if err != nil {
		return nil, err
	}
	if err := s.configure(ctx, config); err != nil {
		return nil, err
	}
	return &pulumirpc.ConfigureResponse{SupportsPreview: true, SupportsAutonamingConfiguration: true}, nil
}

// parsedConfig unpacks configuration: the engine sends everything but strings as JSON text.
func parsedConfig(props map[string]Prop, args Values) (Values, error) {
	out := Values{}
	for key, value := range args {
		text, ok := value.(string)
		if !ok || !props[key].Parsed {
			out[key] = value
			continue
		}
		var parsed any
		if err := json.Unmarshal([]byte(text), &parsed); err != nil {
			return nil, fmt.Errorf("read provider setting %s: %w", key, err)
		}
		out[key] = normaliseValue(parsed)
	}
	return out, nil
}
