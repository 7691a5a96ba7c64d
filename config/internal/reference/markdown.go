package reference

import (
	"fmt"
	"strings"

	"webstack/config"
)

const introduction = `# Configuration

<!-- Generated from package config by go generate ./config. Change the keys there. -->

A stack is described by its stack file, ` + "`Pulumi.<stack>.yaml`" + `. Only ` + "`aws:region`" + ` must be set; all other keys
have the defaults shown here. ` + "`Pulumi.dev.yaml`" + ` is a working sample.

Webstack checks the whole file before it changes anything. It reports all problems at once, each with its line, its path
and what is allowed there, and suggests corrections for misspelt names:

` + "```text\nPulumi.dev.yaml:12: apps.shop.port: is not a field of an app; did you mean containerPort? Allowed: domain, zone, …\n" +
	"Pulumi.dev.yaml:20: appEnvPlain.shop.SINCE: is a date, not a string; put it in quotes, …\n```" + `

Editors with the YAML language server check values while you type, and complete keys. The first line of the sample
enables it:

` + "```yaml\n# yaml-language-server: $schema=./schema/stack.schema.json\n```" + `

Put text in quotes if YAML might read it as something else: numbers, dates, times such as ` + "`12:30`" + `, and words
such as ` + "`yes`, `off` and `null`" + `. Without quotes, Pulumi would pass on ` + "`2024-01-01`" + ` as
` + "`2024-01-01 00:00:00 +0000 UTC`" + `. Anchors, aliases and merge keys (` + "`<<: *name`" + `) are supported.

Set a plain value with ` + "`pulumi config set webstack:instanceType t4g.medium`" + ` or by editing the file. Set a
secret with ` + "`pulumi config set --secret`" + `, which encrypts it in the file. For a value inside a map, give its path.
Text that looks like a number needs ` + "`--type string`" + `:

` + "```sh\npulumi config set --secret --path 'webstack:appEnvSecure.shop.API_KEY'\n" +
	"pulumi config set --type string --path 'webstack:appEnvPlain.shop.LIMIT' 5\n```" + `

Values under ` + "`webstack:appEnvSecure`" + ` must be encrypted. Values of keys that are not marked *secret* below must not be.

Some mistakes stop Pulumi before it starts the program, so Pulumi itself reports them: text that is not YAML, duplicate
keys, and damaged encrypted values. ` + "`webstack apps list -s <stack>`" + ` shows where the first two are. To find a damaged
value, try this command for each one; it fails for the damaged one. For the stack ` + "`local`, `make preview`" + ` names it:

` + "```sh\npulumi config get --path 'webstack:appEnvSecure.shop.API_KEY' -s dev >/dev/null\n```" + `
`

// Markdown returns the reference page of the stack config.
func Markdown() string {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("\n## Keys\n\n")
	table(&b, config.Keys(), config.Key.FullName)
	b.WriteString("\n## Fields of an app\n\nThese go under the app's name in `webstack:apps`.\n\n")
	table(&b, config.AppFields(), func(k config.Key) string { return k.Name })
	b.WriteString(changesIntroduction)
	changeTable(&b, config.Keys(), config.Key.FullName)
	b.WriteString("\nFor the fields of an app:\n\n")
	changeTable(&b, config.AppFields(), func(k config.Key) string { return k.Name })
	return b.String()
}

const changesIntroduction = `
## Changing a value later

Edit the stack file, check ` + "`pulumi preview`" + `, then run ` + "`pulumi up`" + `. The tables show what a change of each key does to
a running stack. If a value changes the definition of Postgres or Caddy, that container is recreated, which takes a few
seconds.

`

func changeTable(b *strings.Builder, keys []config.Key, name func(config.Key) string) {
	b.WriteString("| Key | When it changes |\n|---|---|\n")
	for _, k := range keys {
		fmt.Fprintf(b, "| `%s` | %s |\n", name(k), cell(sentence(k.Change)))
	}
}

func table(b *strings.Builder, keys []config.Key, name func(config.Key) string) {
	b.WriteString("| Key | Type | Default | What it is | Allowed |\n|---|---|---|---|---|\n")
	for _, k := range keys {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n",
			name(k), markdownType(k), markdownDefault(k), cell(sentence(k.Description)), cell(k.Allowed))
	}
}

func markdownType(k config.Key) string {
	if k.Secret {
		return string(k.Type) + ", secret"
	}
	return string(k.Type)
}

func markdownDefault(k config.Key) string {
	switch {
	case k.Required:
		return "(required)"
	case k.Default == "":
		return "(empty)"
	}
	return "`" + k.Default + "`"
}

// cell escapes text so that it does not end its cell and is not read as markup.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;", "_", `\_`, "~", `\~`).Replace(text)
}
