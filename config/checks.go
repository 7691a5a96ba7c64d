package config

import (
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"webstack/contract"
	"webstack/internal/lazyregexp"
)

// The checks take the text of a value and return what is wrong with it, or "". The tables of keys say what is
// allowed.

var (
	labelPattern      = lazyregexp.New("^" + labelText + "$")
	nonASCIIPattern   = lazyregexp.New(`[^\x00-\x7f]`)
	passwordPattern   = lazyregexp.New(`^[A-Za-z0-9._~!#%^&*+=:,?-]{16,128}$`)
	resendKeyPattern  = lazyregexp.New(`^re_[A-Za-z0-9_-]{8,250}$`)
	apiTokenPattern   = lazyregexp.New(`^[A-Za-z0-9_-]{40,255}$`)
	localPartPattern  = lazyregexp.New(`^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*$`)
	acmeURLPattern    = lazyregexp.New(`^https://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~/-]*)?$`)
	repoPattern       = lazyregexp.New(`^[a-z][a-z0-9]*(?:[._/-][a-z0-9]+)*$`)
	githubRepoPattern = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)
	branchPattern     = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*$`)
	healthPathPattern = lazyregexp.New(`^/(?:[A-Za-z0-9._~?&=+:@,-](?:[A-Za-z0-9/._~?&=+:@,-]|%[0-9A-Fa-f]{2})*)?$`)
)

// maxDomain is the length of the longest name for which Caddy can get a certificate: it needs a lock file
// issue_cert_<name>.lock, and a file name has up to 255 bytes.
const maxDomain = 255 - len("issue_cert_.lock")

// checkHostName checks the syntax of RFC 1123 in lower case.
func checkHostName(v string) string {
	switch {
	case strings.Contains(v, "*"):
		return "is a wildcard"
	case nonASCIIPattern.MatchString(v):
		if ascii, err := idna.Registration.ToASCII(v); err == nil {
			return "is not in its xn-- form, " + ascii
		}
		return "is not in its xn-- form"
	case v != strings.ToLower(v):
		return "has upper-case letters"
	case len(v) > maxDomain:
		return "is longer than " + strconv.Itoa(maxDomain) + " characters"
	}
	if _, err := netip.ParseAddr(strings.Trim(v, "[]")); err == nil {
		return "is an IP address, not a host name"
	}
	if strings.HasSuffix(v, ".") {
		return "ends with a dot"
	}
	labels := strings.Split(v, ".")
	for _, label := range labels {
		if !labelPattern.MatchString(label) {
			return "is not a host name"
		}
		if wrong := checkPunycode(label); wrong != "" {
			return wrong
		}
	}
	if last := labels[len(labels)-1]; last[0] < 'a' {
		return "has a last label that does not start with a letter"
	}
	return ""
}

// checkPunycode checks a label with -- as its third and fourth characters. Authorities issue certificates for such
// labels only if they begin with xn--.
func checkPunycode(label string) string {
	if len(label) < 4 || label[2:4] != "--" {
		return ""
	}
	if !strings.HasPrefix(label, "xn--") {
		return "has a label with -- as third and fourth characters, which are reserved"
	}
	name, err := idna.Registration.ToUnicode(label)
	if err != nil {
		return "has a label that is not valid Punycode: " + quote(label)
	}
	if back, err := idna.Registration.ToASCII(name); err != nil || back != label {
		return "has a label that is not valid Punycode: " + quote(label)
	}
	return ""
}

func checkDomain(v string) string {
	if wrong := checkHostName(v); wrong != "" {
		return wrong
	}
	if !strings.Contains(v, ".") {
		return "has only one label"
	}
	return ""
}

// checkZone allows the zone localhost as well as real zones: browsers and resolvers resolve names below it to the
// computer itself.
func checkZone(v string) string {
	if v == "localhost" {
		return ""
	}
	return checkDomain(v)
}

// systemDirs are the top-level directories that a stack must not use.
var systemDirs = []string{
	"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "snap", "sys", "tmp", "usr",
}

func checkStackDir(v string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(v, "/"), "/")
	switch {
	case contract.CheckStackDir(v) != nil || path.Clean(v) != v || len(v) > 100:
		return "is not a usable path"
	case slices.Contains(systemDirs, first):
		return "is in a system directory"
	case within(v, contract.DataDir) || within(contract.DataDir, v):
		return "overlaps " + contract.DataDir + ", where the data volume is mounted"
	}
	return ""
}

// within reports whether the path p is dir or below it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

func checkSSHAllowedCidr(v string) string {
	prefix, wrong := parseNetwork(v)
	switch {
	case wrong != "":
		return wrong
	case prefix.Bits() == 0:
		return "is the entire internet"
	case prefix.Addr().Is4() && prefix.Bits() < 8, prefix.Addr().Is6() && prefix.Bits() < 32:
		return "is too wide"
	}
	return ""
}

// maxArgument is the length of the longest word of a command.
const maxArgument = 1000

// argumentPattern matches a word of a command.
const argumentPattern = `^[^\x00-\x1f\x7f]+$`

func checkArgument(v string) string {
	if v == "" || len(v) > maxArgument || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "is not a word of a command"
	}
	return ""
}

func checkVpcCidr(v string) string {
	prefix, wrong := parseNetwork(v)
	if wrong != "" {
		return wrong
	}
	private := []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"}
	isPrivate := slices.ContainsFunc(private, func(p string) bool {
		return netip.MustParsePrefix(p).Contains(prefix.Addr())
	})
	switch {
	case !prefix.Addr().Is4():
		return "is not an IPv4 network"
	case prefix.Bits() < 16 || prefix.Bits() > 25:
		return "has the wrong size"
	case !isPrivate:
		return "is not a private network"
	case prefix.Overlaps(netip.MustParsePrefix("172.17.0.0/16")):
		return "overlaps Docker's network 172.17.0.0/16"
	case prefix.Overlaps(netip.MustParsePrefix(contract.EdgeSubnet)):
		return "overlaps the network of the apps, " + contract.EdgeSubnet
	}
	return ""
}

func parseNetwork(v string) (netip.Prefix, string) {
	prefix, err := netip.ParsePrefix(v)
	switch {
	case err != nil || prefix.Addr().Is4In6():
		return prefix, "is not a network in CIDR notation"
	case prefix.Masked() != prefix:
		return prefix, "is not a network address; " + prefix.Masked().String() + " is"
	}
	return prefix, ""
}

// Names that Postgres or RDS reserve, and those that have a special meaning in pg_hba.conf.
var (
	reservedUsers = []string{
		"admin", "all", "none", "public", "rdsadmin", "rdsrepladmin", "rdstopmgr", "replication", "user",
	}
	reservedDatabases = []string{"all", "rdsadmin", "replication", "sameuser", "samerole", "template0", "template1"}
)

// reserved is a pattern of reserved names.
func reserved(names []string) string { return `^(pg_.*|` + strings.Join(names, "|") + `)$` }

func checkPostgresUser(v string) string { return checkIdentifier(v, reservedUsers) }

func checkPostgresDb(v string) string { return checkIdentifier(v, reservedDatabases) }

func checkIdentifier(v string, reserved []string) string {
	if strings.HasPrefix(v, "pg_") || slices.Contains(reserved, v) {
		return "is reserved"
	}
	return ""
}

func checkPostgresPassword(v string) string {
	if !passwordPattern.MatchString(v) {
		return "is too short, too long or has characters that are not allowed"
	}
	return ""
}

func checkAPIToken(v string) string {
	if !apiTokenPattern.MatchString(v) {
		return "is not an API token"
	}
	return ""
}

// checkWebhook accepts any service that takes Slack's messages.
func checkWebhook(v string) string {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || len(u.Path) < 2 || u.User != nil || len(v) > 1000 ||
		strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "is not the https URL of a webhook"
	}
	return ""
}

func checkResendKey(v string) string {
	if !resendKeyPattern.MatchString(v) {
		return "is not an API key of Resend"
	}
	return ""
}

func checkEmail(v string) string {
	local, domain, ok := strings.Cut(v, "@")
	if !ok || len(local) > 64 || !localPartPattern.MatchString(local) || checkDomain(domain) != "" {
		return "is not an e-mail address"
	}
	return ""
}

func checkAcme(v string) string {
	if slices.Contains([]string{"letsencrypt", "staging", "internal"}, v) {
		return ""
	}
	u, err := url.Parse(v)
	if err != nil || !acmeURLPattern.MatchString(v) || u.Hostname() == "" {
		return "is not a certificate authority"
	}
	return ""
}

// affixes matches the reserved beginnings and ends of bucket names.
const affixes = "xn--|sthree-|amzn-s3-demo-|-s3alias|--ol-s3|--x-s3|--table-s3"

func checkBucketName(v string) string {
	reserved := strings.Split(affixes, "|")
	has := func(affix string) bool { return strings.HasPrefix(v, affix) || strings.HasSuffix(v, affix) }
	switch {
	case contract.CheckBucket(v) != nil:
		return "is not a bucket name"
	case slices.ContainsFunc(reserved, has):
		return "is reserved by S3"
	}
	return ""
}

func checkRepoName(v string) string {
	if len(v) < 2 || len(v) > 256 || !repoPattern.MatchString(v) {
		return "is not a repository name"
	}
	return ""
}

func checkGithubRepo(v string) string {
	owner, name, _ := strings.Cut(v, "/")
	if !githubRepoPattern.MatchString(v) || strings.HasSuffix(owner, "-") || name == "." || name == ".." ||
		strings.HasSuffix(name, ".git") {
		return "is not a GitHub repository"
	}
	return ""
}

func checkBranch(v string) string {
	if !branchPattern.MatchString(v) || len(v) > 200 || strings.Contains(v, "..") || strings.HasSuffix(v, ".") ||
		strings.HasSuffix(v, ".lock") || strings.Contains(v, ".lock/") || strings.Contains(v, "./") {
		return "is not a branch name"
	}
	return ""
}

func checkHealthPath(v string) string {
	if len(v) > 200 || !healthPathPattern.MatchString(v) {
		return "is not a path"
	}
	return ""
}

// maxPlainValue keeps a value well below the kernel's limit for one variable (128 KiB).
const maxPlainValue = 32 << 10

// maxSecureValue is the maximum size of a standard parameter in Parameter Store.
const maxSecureValue = 4 << 10

func checkPlainValue(v string) string {
	if len(v) > maxPlainValue {
		return "is longer than 32768 bytes"
	}
	return checkText(v)
}

func checkSecureValue(v string) string {
	switch {
	case v == "":
		return "is empty, which Parameter Store does not allow"
	case len(v) > maxSecureValue:
		return "is longer than 4096 bytes, the limit of a parameter"
	case strings.Contains(v, "{{"):
		return "contains {{, which Parameter Store does not allow"
	}
	return checkText(v)
}

func checkText(v string) string {
	if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		return "contains a NUL or is not UTF-8"
	}
	return ""
}
