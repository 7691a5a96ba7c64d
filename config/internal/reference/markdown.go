package reference

import (
	"fmt"
	"strings"

	"webstack/config"
)

const introduction = `# Configuration

<!-- Generated from package config by go generate ./config. Change the keys there. -->

Everything that is true about a stack stands in its stack file, ` + "`Pulumi.<stack>.yaml`" + `. A key that is not set
has the default given here; no key has to be set. ` + "`Pulumi.dev.yaml`" + ` is a working sample.

Before anything is created, the whole file is checked. Unknown keys, wrong types and impossible values are reported
all at once, each with its path and with what is allowed there. Editors that know the YAML language server complete
keys and check values while you type, by the first line of the sample:

` + "```yaml\n# yaml-language-server: $schema=./schema/stack.schema.json\n```" + `

Set a plain value with ` + "`pulumi config set webstack:instanceType t4g.medium`" + ` or by editing the file. Set a
secret with ` + "`pulumi config set --secret`" + `, which encrypts it in the file; a value inside a map is named by its path:

` + "```sh\npulumi config set --secret --path 'webstack:appEnvSecure.shop.API_KEY'\n```" + `
`

// Markdown returns the reference page of the stack config.
func Markdown() string {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("\n## Keys\n\n")
	table(&b, config.Keys(), config.Key.FullName)
	b.WriteString("\n## Fields of an app\n\nThese stand under the app's name in `webstack:apps`.\n\n")
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
