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

// Schema returns the JSON schema of a whole Pulumi.<stack>.yaml.
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
				Type:       []string{"object", "null"},
				Properties: keys,
				// Other namespaces belong to Pulumi and its providers.
				PatternProperties:    map[string]*schema{"^(aws|cloudflare|random|pulumi):": {}},
				AdditionalProperties: false,
			},
			"encryptionsalt":  text,
			"secretsprovider": text,
			"encryptedkey":    text,
			"environment":     {},
		},
		AdditionalProperties: false,
		Definitions:          map[string]*schema{"secure": secureSchema(), "app": appSchema()},
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(root)
	return out.String(), err
}

// secureSchema is the form in which a stack file holds an encrypted value.
func secureSchema() *schema {
	return &schema{
		Description:          "An encrypted value, as pulumi config set --secret writes it.",
		Type:                 "object",
		Properties:           map[string]*schema{"secure": {Type: "string"}},
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

// keySchema describes the value of a key. Any value may be encrypted; a secret one must be.
func keySchema(k config.Key) *schema {
	s := &schema{Description: sentence(k.Description, allowedSentence(k))}
	switch {
	case k.Type == config.TypeApps:
		s.AnyOf = []*schema{mapOf(k.Pattern, &schema{Ref: "#/definitions/app"}), secureRef()}
	case k.Type == config.TypeEnvs:
		value := &schema{AnyOf: []*schema{{Type: "string"}, secureRef()}}
		if k.Secret {
			value = secureRef()
		}
		s.AnyOf = []*schema{{Type: "object", AdditionalProperties: mapOf(k.Pattern, value)}, secureRef()}
	case k.Secret:
		s.AnyOf = []*schema{secureRef()}
	default:
		s.Default = defaultValue(k)
		s.AnyOf = []*schema{valueSchema(k), secureRef()}
	}
	return s
}

// rewritten is the form in which pulumi config set writes back the plain numbers and booleans of other keys.
func rewritten(k config.Key) []*schema {
	switch k.Type {
	case config.TypeInteger:
		return []*schema{{Type: "string", Pattern: "^[0-9]+$"}}
	case config.TypeBoolean:
		return []*schema{{Type: "string", Enum: []string{"true", "false"}}}
	case config.TypeString, config.TypeList, config.TypeApps, config.TypeEnvs:
	}
	return nil
}

func mapOf(namePattern string, value *schema) *schema {
	return &schema{
		Type:                 "object",
		PatternProperties:    map[string]*schema{namePattern: value},
		AdditionalProperties: false,
	}
}

func valueSchema(k config.Key) *schema {
	switch k.Type {
	case config.TypeInteger:
		return &schema{Type: "integer", Minimum: &k.Min, Maximum: &k.Max}
	case config.TypeBoolean:
		return &schema{Type: "boolean"}
	case config.TypeList:
		item := &schema{AnyOf: []*schema{{Type: "string", Pattern: k.Pattern}, secureRef()}}
		return &schema{Type: "array", Items: item}
	default:
		return &schema{Type: "string", Enum: k.Enum, Pattern: emptyToo(k)}
	}
}

// emptyToo returns the pattern of a string; an optional one may be empty, which means not set.
func emptyToo(k config.Key) string {
	if k.Pattern == "" || k.Required || k.Default != "" {
		return k.Pattern
	}
	return "^$|" + k.Pattern
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
		return k.Default == "true"
	case config.TypeString:
		if !k.Required {
			return k.Default
		}
	case config.TypeList, config.TypeApps, config.TypeEnvs:
	}
	return nil
}

func allowedSentence(k config.Key) string {
	if k.Allowed == "" {
		return ""
	}
	return "Allowed: " + k.Allowed
}
