package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/local/cloud"
	"webstack/local/engine"
	"webstack/local/machine"
	"webstack/local/workdir"
)

// rowsShown limits each table of the summary; a stack may have hundreds of apps.
const rowsShown = 20

// changesText says in words how many resources were changed.
func changesText(changes map[apitype.OpType]int) string {
	var parts []string
	for _, op := range slices.Sorted(maps.Keys(changes)) {
		word, known := opWords[op]
		if count := changes[op]; known && count > 0 {
			_, verb, _ := strings.Cut(word, " ")
			parts = append(parts, fmt.Sprintf("%d %s", count, verb))
		}
	}
	same := changes[apitype.OpSame]
	if len(parts) == 0 {
		return fmt.Sprintf("No changes: %d resources are up to date", same)
	}
	if same > 0 {
		parts = append(parts, fmt.Sprintf("%d unchanged", same))
	}
	return "Resources: " + strings.Join(parts, ", ")
}

// summary shows what exists and what to try next.
func (l *local) summary(ctx context.Context, stack *engine.Stack, info cloud.Info, headline string) error {
	outputs, err := stack.Outputs(ctx)
	if err != nil {
		return err
	}
	resources, err := stack.Resources(ctx)
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n%s.\n\n", headline)
	table := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	writeServer(table, info, outputs)
	addresses, err := hostAddresses(ctx, info, outputs)
	if err != nil {
		return err
	}
	writeApps(table, outputs, resources, addresses)
	writeList(table, "Buckets", idsOf(resources, "aws:s3/bucketV2:BucketV2"))
	writeList(table, "Documents", idsOf(resources, "aws:ssm/document:Document"))
	writeCounts(table, resources)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	writeNext(&text, l.dir, info, outputs, addresses)
	_, err = io.WriteString(l.out, text.String())
	return err
}

// hostAddresses returns where the host answers on this computer; all are empty if there are no hosts.
func hostAddresses(ctx context.Context, info cloud.Info, outputs auto.OutputMap) (machine.Addresses, error) {
	id := text(outputs["web_instance_id"])
	if info.NoHosts != "" || id == "" {
		return machine.Addresses{}, nil
	}
	host, err := info.Host(ctx, id)
	return host.Addresses, err
}

func writeServer(table io.Writer, info cloud.Info, outputs auto.OutputMap) {
	if id := text(outputs["web_instance_id"]); id != "" {
		_, _ = fmt.Fprintf(table, "Host\t%s\t%s\n", id, text(outputs["web_public_ip"]))
	}
	if info.NoHosts != "" {
		_, _ = fmt.Fprintf(table, "\tit does not boot, so no app answers: %s\n", info.NoHosts)
	}
}

func writeApps(table io.Writer, outputs auto.OutputMap, resources []apitype.ResourceV3, addresses machine.Addresses) {
	urls, repositories := texts(outputs["app_urls"]), texts(outputs["ecr_repository_urls"])
	names := slices.Sorted(maps.Keys(urls))
	for i, name := range names {
		if i == rowsShown {
			_, _ = fmt.Fprintf(table, "\tand %d more: pulumi stack output app_urls\n", len(names)-i)
			break
		}
		shown := cmp.Or(siteOf(urls[name], addresses).url, urls[name])
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", first(i, "Apps"), name, shown, repositories[name])
	}
	var records []string
	for _, record := range resources {
		if record.Type == "cloudflare:index/record:Record" {
			records = append(records, fmt.Sprintf("%v\t%v %v",
				record.Outputs["hostname"], record.Outputs["type"], record.Outputs["content"]))
		}
	}
	writeList(table, "DNS", records)
}

func writeList(table io.Writer, title string, rows []string) {
	slices.Sort(rows)
	for i, row := range rows {
		if i == rowsShown {
			_, _ = fmt.Fprintf(table, "\tand %d more\n", len(rows)-i)
			break
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\n", first(i, title), row)
	}
}

// writeCounts counts resources per service.
func writeCounts(table io.Writer, resources []apitype.ResourceV3) {
	counts := map[string]int{}
	for _, r := range resources {
		if !r.Custom || strings.HasPrefix(string(r.Type), "pulumi:") {
			continue
		}
		module, _, _ := strings.Cut(string(r.Type), "/")
		counts[strings.TrimSuffix(module, ":index")]++
	}
	var parts []string
	for _, service := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", service, counts[service]))
	}
	_, _ = fmt.Fprintf(table, "Resources\t%s\n", strings.Join(parts, ", "))
}

func writeNext(out io.Writer, dir workdir.Dir, info cloud.Info, outputs auto.OutputMap, addresses machine.Addresses) {
	public := "https://example.com"
	urls := texts(outputs["app_urls"])
	for _, name := range slices.Sorted(maps.Keys(urls)) {
		public = urls[name]
		break
	}
	_, _ = io.WriteString(out, "\nTry next\n")
	writeVisit(out, dir, public, addresses)
	_, _ = fmt.Fprintf(out, `  . .webstack/local.env                            point pulumi, aws and dig at the laptop cloud
  aws ec2 describe-instances --output table        AWS answers at %s
  aws ssm list-documents --filters Key=Owner,Values=Self
  dig +short @$WEBSTACK_DNS_ADDR -p $WEBSTACK_DNS_PORT %s
  edit Pulumi.local.yaml, then run make preview and make up
  make down                                        remove everything
`, info.AWSEndpoint(), strings.TrimPrefix(public, "https://"))
}

// writeVisit says how to open an app from this computer.
func writeVisit(out io.Writer, dir workdir.Dir, public string, addresses machine.Addresses) {
	site := siteOf(public, addresses)
	if site.resolve == "" {
		return
	}
	trust := ""
	if _, err := os.Stat(dir.Authority()); err == nil {
		trust = "--cacert .webstack/run/ca.crt "
	}
	if site.url != "" {
		_, _ = fmt.Fprintf(out, "  open %s\n", site.url)
		if trust != "" {
			_, _ = io.WriteString(out, "                                                   "+
				"the browser warns unless it trusts .webstack/run/ca.crt\n")
		}
		_, _ = fmt.Fprintf(out, "  curl %s%s\n", trust, site.url)
	}
	_, port, _ := net.SplitHostPort(addresses.Public.HTTPS)
	if port != "443" {
		public += ":" + port
	}
	_, _ = fmt.Fprintf(out, "  curl %s--resolve %s %s\n", trust, site.resolve, public)
	_, _ = io.WriteString(out, "  .webstack/bin/webstack verify -s local           check the stack\n")
}

func idsOf(resources []apitype.ResourceV3, token string) []string {
	var out []string
	for _, r := range resources {
		if string(r.Type) == token {
			out = append(out, string(r.ID))
		}
	}
	return out
}

func first(i int, title string) string {
	if i == 0 {
		return title
	}
	return ""
}

// text returns an output that is a string. A secret one is not shown.
func text(output auto.OutputValue) string {
	if output.Secret {
		return "[secret]"
	}
	value, _ := output.Value.(string)
	return value
}

// texts returns an output that is a map of strings.
func texts(output auto.OutputValue) map[string]string {
	out := map[string]string{}
	if values, ok := output.Value.(map[string]any); ok && !output.Secret {
		for name, value := range values {
			out[name], _ = value.(string)
		}
	}
	return out
}
