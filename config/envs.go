package config

// decodeEnvs reads the map under appEnvPlain or appEnvSecure.
func decodeEnvs[V ~string](d *decoder, path string, n node, k Key, check func(string) string) map[string]map[string]V {
	envs := map[string]map[string]V{}
	if n.sealed && k.Secret {
		return envs // encrypted as a whole: its content is unknown
	}
	value := k
	value.Type, value.Default, value.Allowed = TypeString, "", "a string"
	if !d.plainEnv(path, k, n) {
		return envs
	}
	for _, app := range d.object(path, n, k.Allowed) {
		at := join(path, app.name)
		envs[app.name] = map[string]V{}
		if !d.plainEnv(at, k, app.value) {
			continue
		}
		for _, m := range d.object(at, app.value, "a map from variable names to strings") {
			at, text := join(at, m.name), ""
			if wrong := checkEnvName(m.name); wrong != "" {
				d.add(at, wrong, envNameAllowed)
			}
			envs[app.name][m.name] = ""
			if n.encrypted {
				m.value.encrypted, m.value.inFile = true, true
			}
			if !d.plainEnv(at, k, m.value) || !d.rightlyEncrypted(at, value, m.value) || m.value.sealed ||
				!d.wantScalar(at, value, m.value, &text) {
				continue
			}
			if wrong := check(text); wrong != "" {
				d.add(at, wrong, "")
			} else if d.source.File == nil && !k.Secret && rewrittenTime.MatchString(text) {
				d.add(at, "is a date that Pulumi has rewritten because it has no quotes", "a string; "+inQuotes(at, m.value))
			}
			envs[app.name][m.name] = V(text)
		}
	}
	return envs
}

// plainEnv reports encrypted values in the map for plain ones.
func (d *decoder) plainEnv(path string, k Key, n node) bool {
	encrypted, known := d.encrypted(k, n)
	if k.Secret || !known || !encrypted {
		return true
	}
	d.add(path, "is encrypted, but values in appEnvPlain are not secret", "the same value under appEnvSecure")
	return false
}
