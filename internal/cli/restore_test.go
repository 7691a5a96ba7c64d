package cli

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate/backups"
)

func TestRestoreFlags(t *testing.T) {
	t.Parallel()
	for _, bad := range []struct {
		app   string
		flags restoreFlags
		want  string
	}{
		{"", restoreFlags{}, "name one app"},
		{"shop", restoreFlags{all: true}, "name one app"},
		{"", restoreFlags{all: true, to: "x"}, "need the name of an app"},
		{"", restoreFlags{all: true, confirm: "shop"}, `--confirm "shop" is not`},
		{"shop", restoreFlags{confirm: "shop_prod"}, "nothing was changed"},
		{"shop", restoreFlags{confirm: "all"}, "nothing was changed"},
		{"shop", restoreFlags{forget: "all", at: "latest"}, "use only one of"},
		{"shop", restoreFlags{file: true, to: "x"}, "use only one of"},
		{"shop", restoreFlags{forget: "x"}, "--forget=x is not the ID"},
		{"shop", restoreFlags{to: "my-shop"}, `--to "my-shop" is not`},
		{"shop", restoreFlags{to: strings.Repeat("x", 64)}, "is not 1 to 63"},
		{"shop", restoreFlags{at: "yesterday"}, `--at "yesterday" is not`},
		{"shop", restoreFlags{at: "2026-11-30"}, "is not latest"},
	} {
		if err := bad.flags.check(bad.app); !errors.Is(err, command.ErrUsage) || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s %+v: %v", bad.app, bad.flags, err)
		}
	}
	for _, good := range []struct {
		app   string
		flags restoreFlags
		at    string
	}{
		{"shop", restoreFlags{at: "2026-11-30T15:00:00+01:00", confirm: "shop"}, "2026-11-30T14:00:00Z"},
		{"shop", restoreFlags{at: "20261130T031500Z", to: "shop_look"}, "20261130T031500Z"},
		{"shop", restoreFlags{forget: "20261130T031500Z"}, "20261130T031500Z"},
		{"shop", restoreFlags{forget: everyRestore}, ""},
		{"", restoreFlags{all: true, confirm: "all", at: "latest"}, "latest"},
	} {
		if err := good.flags.check(good.app); err != nil {
			t.Errorf("%s %+v: %v", good.app, good.flags, err)
		}
		if got := good.flags.options(good.app); got.At != good.at || got.Forget != (good.flags.forget != "") || got.App != good.app {
			t.Errorf("%s %+v: %+v", good.app, good.flags, got)
		}
	}
}

func TestTheNameOfTheAppIsTyped(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"shop\n": true, " shop \n": true, "y\n": false, "shop_prod\n": false, "\n": false} {
		keys, screen := terminal(t)
		if _, err := io.WriteString(keys, answer); err != nil {
			t.Fatal(err)
		}
		o := &operator{Streams: command.NewStreams(screen, io.Discard, io.Discard)}
		name, err := o.askName(t.Context(), "shop")
		if (err == nil) != want || want && name != "shop" || err != nil && !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%q: %q, %v", answer, name, err)
		}
	}
	o := &operator{Streams: command.NewStreams(strings.NewReader("shop\n"), io.Discard, io.Discard)}
	if _, err := o.askName(t.Context(), "shop"); !errors.Is(err, command.ErrUsage) || !strings.Contains(err.Error(), "--confirm shop") {
		t.Errorf("without a terminal: %v", err)
	}
}

func TestTheDownloadIsOfTheBackupThatWouldBeRestored(t *testing.T) {
	t.Parallel()
	at := func(id string) backups.Backup {
		begun, err := contract.ParseBackupID(id)
		if err != nil {
			t.Fatal(err)
		}
		return backups.Backup{ID: id, Manifest: &contract.Backup{ID: id, SnapshotAt: begun.Add(time.Minute)}}
	}
	const failed, last, first = "20261201T031500Z", "20261130T031500Z", "20261129T031500Z"
	all := []backups.Backup{{ID: failed}, at(last), at(first)}
	for choice, want := range map[string]string{
		"": last, "latest": last, last: last, first: first, failed: "", "20200101T000000Z": "",
		"2026-12-02T00:00:00Z": last, "2026-11-30T03:15:30Z": first, "2026-11-29T03:15:30Z": "",
	} {
		if got, ok := chooseBackup(all, choice); got.ID != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", choice, got.ID, want)
		}
	}
}
