// Program stands in for a Pulumi program: it shows its environment and ends as its configuration says.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

func main() {
	var config map[string]string
	if err := json.Unmarshal([]byte(os.Getenv("PULUMI_CONFIG")), &config); err != nil {
		fmt.Println("bad PULUMI_CONFIG:", err)
		os.Exit(1)
	}
	switch config["test:mode"] {
	case "show":
		for _, entry := range os.Environ() {
			if strings.HasPrefix(entry, "PULUMI_") {
				fmt.Println(entry)
			}
		}
		directory, _ := os.Getwd()
		fmt.Println("directory", directory)
		fmt.Fprint(os.Stderr, "no line break at the end")
	case "exit":
		status, _ := strconv.Atoi(config["test:status"])
		os.Exit(status)
	case "hang":
		child := exec.Command("sleep", "600")
		if err := child.Start(); err != nil {
			fmt.Println("start sleep:", err)
			os.Exit(1)
		}
		fmt.Println("child", child.Process.Pid)
		_ = child.Wait()
	}
}
