package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"webstack/contract"
)

const (
	// restoring and before stand between the name of a database and the ID of a restore in the names of the copy that is
	// being restored, and of the database that was replaced.
	restoring = "__restore_"
	before    = "__before_"
	// undone stands in the same place in the name of a restored database that a later run has set aside.
	undone = "__undone_"
	// maxName is how long a name may be in Postgres, which cuts longer ones, in bytes.
	maxName = 63
	// sumLength is how much of the checksum of a name stands for the part of it that has no room.
	sumLength = 8
)

// restoringName returns the name of the copy that a restore makes of a database.
func restoringName(database, id string) string { return derived(database, restoring, id) }

// beforeName returns the name that a database gets when a restore replaces it.
func beforeName(database, id string) string { return derived(database, before, id) }

// undoneName returns the name that a restored database gets when the restore is undone after apps may have used it.
func undoneName(database, id string) string { return derived(database, undone, id) }

// derived returns a name of at most maxName bytes. The names of two databases never meet, even if they begin alike.
func derived(database, mark, id string) string {
	return shortened(database, maxName-len(mark)-len(id)) + mark + id
}

func shortened(name string, room int) string {
	if len(name) <= room {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	cut := room - sumLength - 1
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + "_" + hex.EncodeToString(sum[:])[:sumLength]
}

// isRestoring reports whether a database is the copy of a restore, of any database.
func isRestoring(name string) bool {
	return isID(afterLast(name, restoring))
}

// leftBy returns the ID of the restore of a database that left a database with this name.
func leftBy(database, name string) (id string, ok bool) {
	for _, mark := range []string{before, undone} {
		if id = afterLast(name, mark); isID(id) && name == derived(database, mark, id) {
			return id, true
		}
	}
	return "", false
}

func isID(text string) bool {
	_, err := contract.ParseBackupID(text)
	return err == nil
}

// afterLast returns what follows the last mark in a text, "" without one.
func afterLast(text, mark string) string {
	i := strings.LastIndex(text, mark)
	if i < 0 {
		return ""
	}
	return text[i+len(mark):]
}
