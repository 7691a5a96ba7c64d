package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"webstack/internal/command"
	"webstack/internal/operate/verify"
)

func (o *operator) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check the running stack, phase by phase", Args: command.Args(),
		Long: `Checks everything that must be true of a running stack, phase by phase: network, server, host, apps, DNS,
certificates, backups and deploy roles. It changes nothing. For each failed check, it prints how to fix it.`,
		RunE: o.runs(o.runVerify),
	}
}

// verifyReport is the JSON form of webstack verify. It is stable: fields are added, never renamed or removed.
type verifyReport struct {
	Stack   string       `json:"stack"`
	Account string       `json:"account"`
	Region  string       `json:"region"`
	OK      bool         `json:"ok"`
	Failed  int          `json:"failed"`
	Rows    []verify.Row `json:"rows"`
}

func (o *operator) runVerify(ctx context.Context, _ []string) error {
	stack, err := o.open(ctx)
	if err != nil {
		return err
	}
	server, emulated, err := o.nameServer(ctx)
	if err != nil {
		return err
	}
	done := o.progress.Step("Verifying stack " + o.stack)
	rows, err := verify.Run(ctx, verify.Options{Stack: stack, NameServer: server, Emulated: emulated}, nil)
	done()
	if err != nil {
		return err
	}
	report := verifyReport{Stack: stack.Name, Account: stack.Account, Region: stack.Region, Rows: rows}
	for _, row := range rows {
		if row.Outcome == verify.Fail {
			report.Failed++
		}
	}
	report.OK = report.Failed == 0
	if o.json {
		err = o.printJSON(report)
	} else {
		err = writeReport(o.Out, report)
	}
	if err == nil && !report.OK {
		err = fmt.Errorf("%d of %d checks failed", report.Failed, len(rows))
	}
	return err
}

// marks are the words that show the outcomes.
var marks = map[verify.Outcome]string{verify.Pass: "ok", verify.Fail: "FAIL", verify.Later: "later", verify.Warn: "WARN"}

// writeReport writes a table for each phase: the outcome, what was checked, what was found and, below, what to do.
func writeReport(out io.Writer, report verifyReport) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Stack %s in account %s, %s\n", report.Stack, report.Account, report.Region)
	phase := 0
	for begin := 0; begin < len(report.Rows); {
		end := begin
		for end < len(report.Rows) && report.Rows[end].Phase == report.Rows[begin].Phase {
			end++
		}
		phase = report.Rows[begin].Phase
		fmt.Fprintf(&text, "\nPhase %d  %s\n", phase, verify.PhaseTitles[phase])
		writePhase(&text, report.Rows[begin:end])
		begin = end
	}
	if report.OK {
		fmt.Fprintf(&text, "\n%s.\n", passed(report.Rows))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// passed sums up the rows of a report without failures.
func passed(rows []verify.Row) string {
	count := map[verify.Outcome]int{}
	for _, row := range rows {
		count[row.Outcome]++
	}
	text := fmt.Sprintf("%d checks passed", count[verify.Pass])
	if n := count[verify.Warn]; n > 0 {
		text += fmt.Sprintf(", %d with a warning", n)
	}
	if n := count[verify.Later]; n > 0 {
		text += fmt.Sprintf(", %d for later", n)
	}
	return text
}

// widest is the maximum width of a column. A longer text shifts only its own row.
const widest = 44

func writePhase(text *strings.Builder, rows []verify.Row) {
	width := 0
	for _, row := range rows {
		width = max(width, min(len(lookedAt(row)), widest))
	}
	for _, row := range rows {
		fmt.Fprintf(text, "  %-5s  %-*s  %s\n", marks[row.Outcome], width, lookedAt(row), row.Found)
		if row.Do != "" {
			fmt.Fprintf(text, "  %-5s  %-*s  -> %s\n", "", width, "", row.Do)
		}
	}
}

func lookedAt(row verify.Row) string {
	if row.Subject == "" {
		return row.Looked
	}
	return row.Looked + ": " + row.Subject
}
