package config

import "strings"

// rightlyEncrypted reports a secret that is not encrypted, and an encrypted value that is not a secret.
func (d *decoder) rightlyEncrypted(path string, k Key, n node) bool {
	encrypted, known := d.encrypted(k, n)
	switch {
	case !known:
	case k.Secret && !encrypted && n.scalar != k.Default:
		name := fullPath(path)
		if strings.ContainsAny(name, ".[") {
			name = "--path '" + name + "'"
		}
		d.add(path, "is not encrypted; set it with pulumi config set --secret "+name, "")
		return false
	case !k.Secret && encrypted:
		d.add(path, "is encrypted, but Webstack cannot keep it secret: others need to see it",
			"the value in plain text")
		return false
	}
	return true
}

// fullPath returns a path with its namespace, as pulumi config set expects it.
func fullPath(path string) string {
	if key, _, _ := strings.Cut(path, "."); strings.Contains(key, ":") {
		return path
	}
	return Namespace + ":" + path
}

// encrypted reports whether a value is encrypted, as far as that is known.
func (d *decoder) encrypted(k Key, n node) (encrypted, known bool) {
	switch {
	case n.inFile:
		return n.encrypted, true
	case d.source.Encrypted != nil:
		return d.source.Encrypted(k.FullName()), true
	}
	return false, false
}
