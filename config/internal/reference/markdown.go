package reference

import (
	"fmt"
	"strings"

	"webstack/config"
)

const introduction = `# Configuration

<!-- Generated from package config by go generate ./config. Change the keys there. -->

A stack is described by its stack file, ` + "`Pulumi.<stack>.yaml`" + `. Only ` + "`aws:region`" + ` must be set; every other key
has the default given here. ` + "`Pulumi.dev.yaml`" + ` is a working sample.

The whole file is checked before anything is changed. All problems are reported at once, each with its line and path,
what is allowed there, and the nearest name where one is misspelt:

` + "```text\nPulumi.dev.yaml:12: apps.shop.port: is not a field of an app; did you mean containerPort? Allowed: domain, zone, …\n" +
	"Pulumi.dev.yaml:20: appEnvPlain.shop.SINCE: is a date, not a string; put it in quotes, …\n```" + `

Editors that use the YAML language server check values while you type, and complete keys. The first line of the sample
tells them how:

` + "```yaml\n# yaml-language-server: $schema=./schema/stack.schema.json\n```" + `

Values that are text need quotes where YAML might read something else: numbers, dates, times such as ` + "`12:30`" + `, and words
such as ` + "`yes`, `off` and `null`" + `. Pulumi would hand on ` + "`2024-01-01`" + ` without quotes as
` + "`2024-01-01 00:00:00 +0000 UTC`" + `. Anchors, aliases and merge keys (` + "`<<: *name`" + `) work.

Set a plain value with ` + "`pulumi config set webstack:instanceType t4g.medium`" + ` or by editing the file. Set a
secret with ` + "`pulumi config set --secret`" + `, which encrypts it in the file; a value inside a map is named by its path.
Text that looks like a number needs ` + "`--type string`" + `:

` + "```sh\npulumi config set --secret --path 'webstack:appEnvSecure.shop.API_KEY'\n" +
	"pulumi config set --type string --path 'webstack:appEnvPlain.shop.LIMIT' 5\n```" + `

Every value under ` + "`webstack:appEnvSecure`" + ` must be encrypted, and no value of a key that is not marked *secret* below may be.

Some mistakes stop Pulumi before it starts the program, so ` + "`pulumi preview`" + ` reports them in its own words: text that is
not YAML, a key that is given twice, and an encrypted value that is damaged. ` + "`webstack apps list -s <stack>`" + ` says where
the first two are. A damaged value is the one for which this fails, too; for the stack ` + "`local`, `make preview`" + ` names it:

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
	b.WriteString("\nAnd of an app:\n\n")
	changeTable(&b, config.AppFields(), func(k config.Key) string { return k.Name })
	return b.String()
}

const changesIntroduction = `
## Changing a value later

Edit the stack file, look at ` + "`pulumi preview`" + `, run ` + "`pulumi up`" + `. This is what each key does to a stack that runs. Where a value
changes the definition of Postgres or Caddy, that container is made anew, which takes some seconds.

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

// cell keeps text from ending its cell or being read as markup.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;", "_", `\_`, "~", `\~`).Replace(text)
}
