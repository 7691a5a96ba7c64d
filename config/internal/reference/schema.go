package reference

import (
	"encoding/json"
	"strconv"
	"strings"

	"webstack/config"
)

// schema is one node of a JSON schema, draft 7, which is what the YAML language server reads best.
type schema struct {
	Schema               string             `json:"$schema,omitempty"`
	Ref                  string             `json:"$ref,omitempty"`
	Title                string             `json:"title,omitempty"`
	Description          string             `json:"description,omitempty"`
	Type                 any                `json:"type,omitempty"`
	Default              any                `json:"default,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Pattern              string             `json:"pattern,omitempty"`
	MaxLength            int                `json:"maxLength,omitempty"`
	Const                any                `json:"const,omitempty"`
	Not                  *schema            `json:"not,omitempty"`
	PropertyNames        *schema            `json:"propertyNames,omitempty"`
	Minimum              *int64             `json:"minimum,omitempty"`
	Maximum              *int64             `json:"maximum,omitempty"`
	AnyOf                []*schema          `json:"anyOf,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	PatternProperties    map[string]*schema `json:"patternProperties,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"` // false or *schema
	Required             []string           `json:"required,omitempty"`
	Definitions          map[string]*schema `json:"definitions,omitempty"`
}

// Schema returns the JSON schema of a whole Pulumi.<stack>.yaml. It accepts everything that config.Source.Load accepts,
// and refuses what Load refuses as far as a single value shows it.
func Schema() (string, error) {
	keys := map[string]*schema{}
	for _, k := range config.Keys() {
		s := keySchema(k)
		s.AnyOf = append(s.AnyOf, rewritten(k)...)
		keys[k.FullName()] = s
	}
	text := &schema{Type: "string"}
	root := schema{
		Schema:      "http://json-schema.org/draft-07/schema#",
		Title:       "Webstack stack file",
		Description: "Pulumi.<stack>.yaml of a Webstack project. Generated from package config.",
		Type:        "object",
		Properties: map[string]*schema{
			"config": {
				Type:                 "object",
				Properties:           keys,
				PatternProperties:    map[string]*schema{"^pulumi:": {}},
				AdditionalProperties: false,
				Required:             []string{"aws:region"},
			},
			"encryptionsalt":  {Type: "string", Pattern: config.SaltPattern},
			"secretsprovider": text,
			"encryptedkey":    text,
			"environment":     {},
		},
		AdditionalProperties: false,
		Required:             []string{"config"},
		Definitions:          map[string]*schema{"secure": secureSchema(), "app": appSchema()},
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(root)
	return out.String(), err
}

// secureSchema is the schema of an encrypted value in a stack file.
func secureSchema() *schema {
	return &schema{
		Description:          "An encrypted value, as pulumi config set --secret writes it.",
		Type:                 "object",
		Properties:           map[string]*schema{"secure": {Type: "string", Pattern: config.EncryptedPattern}},
		Required:             []string{"secure"},
		AdditionalProperties: false,
	}
}

func appSchema() *schema {
	app := &schema{Type: "object", Properties: map[string]*schema{}, AdditionalProperties: false}
	for _, k := range config.AppFields() {
		app.Properties[k.Name] = keySchema(k)
		if k.Required {
			app.Required = append(app.Required, k.Name)
		}
	}
	return app
}

func secureRef() *schema { return &schema{Ref: "#/definitions/secure"} }

// keySchema describes the value of a key. A secret must be encrypted; other values must not be.
func keySchema(k config.Key) *schema {
	s := &schema{Description: sentence(k.Description, allowedSentence(k)), Default: defaultValue(k)}
	switch {
	case k.Type == config.TypeApps:
		s.AnyOf = []*schema{mapOf(config.AppName(), &schema{Ref: "#/definitions/app"})}
	case k.Type == config.TypeEnvs && k.Secret:
		s.AnyOf = []*schema{mapOf(config.AppName(), mapOf(config.EnvName(), secureRef())), secureRef()}
	case k.Type == config.TypeEnvs:
		s.AnyOf = []*schema{mapOf(config.AppName(), mapOf(config.EnvName(), textSchema(config.EnvValue())))}
	case k.Secret:
		s.AnyOf = []*schema{secureRef(), {Type: "string", Const: ""}}
	default:
		s.AnyOf = valueSchema(k)
	}
	return s
}

// rewritten is the form in which pulumi config set writes back the plain numbers and booleans of other keys.
func rewritten(k config.Key) []*schema {
	switch k.Type {
	case config.TypeInteger:
		return []*schema{{Type: "string", Pattern: "^-?(0|[1-9][0-9]*)$"}}
	case config.TypeBoolean:
		return []*schema{{Type: "string", Enum: []string{"true", "false"}}}
	case config.TypeString, config.TypeList, config.TypeApps, config.TypeEnvs, config.TypeRole:
	}
	return nil
}

// mapOf describes a map whose names match name.
func mapOf(name config.Key, value *schema) *schema {
	return &schema{Type: "object", PropertyNames: textSchema(name), AdditionalProperties: value}
}

// valueSchema lists the forms of a value that is not encrypted.
func valueSchema(k config.Key) []*schema {
	switch k.Type {
	case config.TypeInteger:
		forms := []*schema{{Type: "integer", Minimum: &k.Min, Maximum: &k.Max}}
		for _, also := range k.Also {
			forms = append(forms, &schema{Type: "integer", Const: also})
		}
		return forms
	case config.TypeBoolean:
		return []*schema{{Type: "boolean"}}
	case config.TypeList:
		return []*schema{{Type: "array", Items: textSchema(k)}}
	case config.TypeRole:
		return []*schema{{
			Type: "object", Properties: map[string]*schema{"roleArn": textSchema(k)}, Required: []string{"roleArn"},
			AdditionalProperties: false,
		}}
	case config.TypeString, config.TypeApps, config.TypeEnvs:
	}
	forms := []*schema{textSchema(k)}
	if !k.Required && k.Default == "" { // empty means not set
		forms = append(forms, &schema{Type: "string", Const: ""})
	}
	return forms
}

// textSchema describes one string.
func textSchema(k config.Key) *schema {
	s := &schema{Type: "string", Enum: k.Enum, Pattern: k.Pattern, MaxLength: k.MaxLength}
	if k.Not != "" {
		s.Not = &schema{Pattern: k.Not}
	}
	return s
}

// defaultValue returns the default in its JSON type, nil for none.
func defaultValue(k config.Key) any {
	switch k.Type {
	case config.TypeInteger:
		n, err := strconv.ParseInt(k.Default, 10, 64)
		if err != nil {
			return nil
		}
		return n
	case config.TypeBoolean:
		if k.Default == "" {
			return nil
		}
		return k.Default == "true"
	case config.TypeString:
		if !k.Required && !k.Secret {
			return k.Default
		}
	case config.TypeList, config.TypeApps, config.TypeEnvs, config.TypeRole:
	}
	return nil
}

func allowedSentence(k config.Key) string {
	if k.Allowed == "" {
		return ""
	}
	return "Allowed: " + k.Allowed
}
