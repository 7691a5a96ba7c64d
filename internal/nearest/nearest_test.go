package nearest

import "testing"

func TestTo(t *testing.T) {
	t.Parallel()
	known := []string{"domain", "containerPort", "memoryMb", "stack"}
	for name, want := range map[string]string{
		"domian": "domain", "container_port": "containerPort", "memory": "memoryMb", "stak": "stack", "port": "containerPort",
		"colour": "", "": "",
	} {
		if got := To(name, known); got != want {
			t.Errorf("To(%q) = %q, want %q", name, got, want)
		}
	}
}
