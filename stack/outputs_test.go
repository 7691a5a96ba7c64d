package stack

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"webstack/internal/pulumitest"
)

// outputNames are the contract with scripts and with the operator's command.
var outputNames = []string{
	"app_urls", "backup_bucket", "deploy_role_arns", "ecr_repository_urls", "network_private_app_subnet_ids",
	"network_private_db_subnet_ids", "network_public_subnet_ids", "network_vpc_id", "ssm_documents", "web_instance_id",
	"web_ipv6", "web_public_ip",
}

// readOutputs runs the program for real and waits for its outputs. None may be a secret.
func readOutputs(t *testing.T, s shape) map[string]any {
	t.Helper()
	o := s.program(t)
	values := map[string]any{}
	pulumitest.MustRun(t, func(ctx *pulumi.Context) error {
		b, err := o.build(ctx)
		if err != nil {
			return err
		}
		for _, output := range b.outputs() {
			result, err := internals.UnsafeAwaitOutput(ctx.Context(), pulumi.ToOutput(output.value))
			if err != nil {
				return err
			}
			if result.Secret || !result.Known {
				t.Errorf("%s is secret or unknown", output.name)
			}
			values[output.name] = result.Value
		}
		return nil
	}, s.options())
	return values
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	for name, s := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := readOutputs(t, s)
			names := make([]string, 0, len(values))
			for name := range values {
				names = append(names, name)
			}
			slices.Sort(names)
			if diff := cmp.Diff(outputNames, names); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutputValues(t *testing.T) {
	t.Parallel()
	values := readOutputs(t, everything())
	want := map[string]any{
		"app_urls": map[string]string{
			"blog": "https://blog.example.org", "shop": "https://example.com", "wiki": "https://wiki.example.org",
		},
		"web_public_ip":             "192.0.2.20",
		"web_ipv6":                  "2600:1f18:aaaa:bb00::5",
		"backup_bucket":             "acme-backups",
		"network_public_subnet_ids": []string{"webstack-prod-public-1-id", "webstack-prod-public-2-id"},
	}
	for name, value := range want {
		if diff := cmp.Diff(value, values[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if roles := values["deploy_role_arns"].(map[string]string); len(roles) != 2 {
		t.Errorf("deploy roles are %v, want those of blog and shop", roles)
	}
	if urls := values["ecr_repository_urls"].(map[string]string); len(urls) != 3 {
		t.Errorf("repositories are %v, want three", urls)
	}
}
