package cli

import (
	"os/exec"
	"testing"
)

func TestArgumentsOfACommandStayWords(t *testing.T) {
	t.Parallel()
	args := []string{"printf", `<%s>`, "a  b", "it's", `"$HOME"`, "", "*"}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", shellLine(args)).Output()
	if want := `<a  b><it's><"$HOME"><><*>`; err != nil || string(out) != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
	if got := shellLine([]string{"df -h | tail -1"}); got != "df -h | tail -1" {
		t.Errorf("one argument became %q", got)
	}
	if got := shellLine(nil); got != "" {
		t.Errorf("none became %q", got)
	}
}
