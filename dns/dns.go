package dns

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-cloudflare/sdk/v5/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/naming"
)

// TypeToken is the component's type.
const TypeToken = "webstack:dns:Dns"

// automatic is Cloudflare's automatic TTL, the only one that a proxied record may have.
const automatic = 1

// maxComment is Cloudflare's limit for the comment of a record.
const maxComment = 100

// Args describe the records.
type Args struct {
	// Stack is the name of the stack, for the records' comments.
	Stack string
	// IPv4 is the host's address. Records stay unchanged while it is "".
	IPv4 pulumi.StringInput
	// IPv6 is the host's IPv6 address; nil means no AAAA records. Records stay unchanged while it is "".
	IPv6 pulumi.StringInput
	// Records are the names that point to the host, sorted by app and name.
	Records []Record
}

// Record is one name.
type Record struct {
	// App is the app that the name belongs to.
	App string
	// Zone is the Cloudflare zone, such as "example.com".
	Zone string
	// Name is relative to the zone; "@" is the zone itself.
	Name string
	// Proxied sends the traffic through Cloudflare.
	Proxied bool
	// TTL is in seconds, 60 to 86400, or 1 for automatic. Proxied records must have 1.
	TTL int
}

// Dns is the component.
type Dns struct {
	pulumi.ResourceState
}

// New looks up the zones and registers the records.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Dns, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	component := &Dns{}
	if err := ctx.RegisterComponentResourceV2(TypeToken, name, pulumi.Map{}, component, opts...); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	zones := map[string]string{}
	for _, record := range args.Records {
		if _, known := zones[record.Zone]; known {
			continue
		}
		zone, err := cloudflare.LookupZone(ctx, &cloudflare.LookupZoneArgs{Name: &record.Zone}, pulumi.Parent(component))
		if err != nil {
			return nil, fmt.Errorf("look up the Cloudflare zone %s (the token needs Zone:Read and DNS:Edit on it): %w",
				record.Zone, err)
		}
		zones[record.Zone] = zone.Id
	}
	for _, record := range args.Records {
		if err := args.newRecords(ctx, name, record, zones[record.Zone], component); err != nil {
			return nil, err
		}
	}
	return component, ctx.RegisterResourceOutputs(component, pulumi.Map{})
}

func (a *Args) check() error {
	var problems []error
	for _, record := range a.Records {
		if record.Proxied && record.TTL != automatic {
			problems = append(problems, fmt.Errorf("point %s in zone %s at the host: a proxied record must have TTL %d, not %d",
				record.Name, record.Zone, automatic, record.TTL))
		}
		if record.Name == "" || record.Name == record.Zone || strings.HasSuffix(record.Name, "."+record.Zone) {
			problems = append(problems, fmt.Errorf("point %q in zone %s at the host: give the name relative to the zone, or @",
				record.Name, record.Zone))
		}
	}
	return errors.Join(problems...)
}

func (a *Args) newRecords(
	ctx *pulumi.Context, name string, record Record, zoneID string, parent pulumi.Resource,
) error {
	for _, address := range []struct {
		kind  string
		value pulumi.StringInput
	}{{"A", a.IPv4}, {"AAAA", a.IPv6}} {
		if address.value == nil {
			continue
		}
		content := address.value.ToStringOutput().ApplyT(record.content).(pulumi.StringOutput)
		label := record.label() + "-" + strings.ToLower(address.kind)
		_, err := cloudflare.NewRecord(ctx, name+"-"+label, &cloudflare.RecordArgs{
			ZoneId:  pulumi.String(zoneID),
			Name:    pulumi.String(record.Name),
			Type:    pulumi.String(address.kind),
			Content: content,
			Proxied: pulumi.Bool(record.Proxied),
			Ttl:     pulumi.Int(record.TTL),
			// If a run was killed after Cloudflare created the record and before Pulumi stored it, the same record exists.
			AllowOverwrite: pulumi.Bool(true),
			Comment:        pulumi.String(naming.Name(maxComment, "webstack "+a.Stack+", app "+record.App)),
		}, pulumi.Parent(parent))
		if err != nil {
			return fmt.Errorf("register the %s record of %s in zone %s: %w", address.kind, record.Name, record.Zone, err)
		}
	}
	return nil
}

// content returns the address of the record. A stopped host without an Elastic IP has none.
func (r Record) content(address string) (string, error) {
	if address == "" {
		return "", fmt.Errorf("point %s at the host: the host has no public address, perhaps because it is stopped; start it "+
			"(webstack verify says how), then run pulumi up --refresh", r.label())
	}
	return address, nil
}

// label returns the full name, which is unique among records.
func (r Record) label() string {
	if r.Name == "@" {
		return r.Zone
	}
	return r.Name + "." + r.Zone
}
