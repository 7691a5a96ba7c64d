package provider

import (
	"context"
	"strings"
)

// Tags returns the properties of every type that can be tagged. Create and Update write all of "tagsAll"; Read returns
// all tags the resource has as "tags".
func Tags() map[string]Prop {
	return map[string]Prop{"tags": {}, "tagsAll": {Output: true}}
}

// mergeTags overlays the provider's default tags with the resource's own. Anything unknown makes all unknown.
func mergeTags(defaults map[string]string, own any) any {
	if containsUnknown(own) {
		return Unknown{}
	}
	out := Values{}
	for key, value := range defaults {
		out[key] = value
	}
	tags, _ := own.(Values)
	for key, value := range tags {
		out[key] = value
	}
	return out
}

// splittingTags makes Read tell the resource's own tags from those that come from the provider's defaults.
func (t Type) splittingTags(defaults map[string]string) Type {
	if _, ok := t.Props["tagsAll"]; !ok {
		return t
	}
	read := t.Read
	t.Read = func(ctx context.Context, id string, known Values) (Values, error) {
		live, err := read(ctx, id, known)
		if err != nil {
			return nil, err
		}
		live = normalise(live)
		own, all := Values{}, Values{}
		for key, value := range live.Object("tags") {
			if strings.HasPrefix(key, "aws:") {
				continue
			}
			all[key] = value
			if defaults[key] != value || known.Object("tags")[key] == value {
				own[key] = value
			}
		}
		live["tagsAll"] = all
		delete(live, "tags")
		if len(own) > 0 || known["tags"] != nil {
			live["tags"] = own
		}
		return live, nil
	}
	return t
}
