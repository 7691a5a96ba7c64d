package awsprovider

import (
	"maps"
	"slices"

	"webstack/local/provider"
)

// retagged brings the tags of an existing resource in line when they changed: remove gets the keys that are gone, add
// gets all tags of now in the form of the service.
func retagged[T any](
	change provider.Change, form func(in provider.Values) []T, remove func(keys []string) error, add func(tags []T) error,
) error {
	if !change.Changed("tagsAll") {
		return nil
	}
	old, news := change.Old.StrMap("tagsAll"), change.New.StrMap("tagsAll")
	removed := without(slices.Sorted(maps.Keys(old)), slices.Collect(maps.Keys(news)))
	if len(removed) > 0 {
		if err := remove(removed); err != nil {
			return err
		}
	}
	if len(news) == 0 {
		return nil
	}
	return add(form(change.New))
}
