package config

// changes says in a sentence or two what happens on a running stack when the value of a key, or of an app's field,
// changes. Every key has an entry. Package stack tests which resources each key changes.
var changes = map[string]string{
	"instanceType": "The host is stopped, changed and started, and Postgres restarts with the new share of memory. A " +
		"different architecture creates a new host, to which the data volume moves",
	"useEip": "Turned on, the host gets a new public address. Turned off, a new host is created, to which the data " +
		"volume moves, and the address is released. With enableDns, the records are updated",
	"rootVolumeSize": "The root volume grows; its file system grows at the next boot. AWS cannot shrink a volume: " +
		"pulumi up fails and changes nothing",
	"dataVolumeSize": "The volume and its file system grow while they are in use, and Postgres restarts with a new " +
		"limit for temporary files. AWS cannot shrink a volume, and allows one change every six hours",
	"stackDir": "The directory moves with everything in it, and the containers keep running. If the new directory is on " +
		"another disk, they are replaced",
	"sshAllowedCidr": "The security group rule changes; open connections stay open",
	"vpcCidr": "Everything in the network is replaced, including the host. The data volume moves to the new host. Plan " +
		"it like a migration",
	"natMode":    "The NAT gateway is created or deleted. The host does not use it",
	"enableIpv6": "Records are added or removed, and a new host is created, to which the data volume moves",
	"amiId":      "A new host is created, to which the data volume moves. If the value becomes empty, the host stays",
	"postgresUser": "In the container, the superuser is renamed, and Postgres restarts. RDS cannot rename it: the " +
		"database would be replaced, which its protection prevents",
	"postgresPassword": "The superuser's password changes. If the value becomes empty, a new password is generated",
	"postgresDefaultDb": "A new, empty database is created; the old one stays. RDS would replace the whole server, " +
		"which its protection prevents",
	"enableExternalPostgres": "The apps get empty databases on the other server; nothing is copied. Dump the databases " +
		"before the change and restore them afterwards. The data in the container's directory stays. RDS is protected: see " +
		"Destroy a stack in operations.md",
	"apps": "A new app gets a repository, a deploy role and document, parameters, records, a service and a virtual " +
		"host; it answers 503 until a release is live. When an app is removed, all of these are deleted, including its " +
		"images and the record of its release. Its database stays, and the app uses it again if it is added again",
	"appEnvPlain":  "The app's container is replaced without an interruption",
	"appEnvSecure": "The app's container is replaced without an interruption",
	"activeApp":    "Caddy reloads its configuration",
	"caddyEmail":   "Caddy reloads its configuration. Certificates stay",
	"accessLog":    "Caddy reloads its configuration",
	"acme":         "Caddy reloads its configuration and gets new certificates from the other authority",
	"enablePgDumpToS3": "Turned on, a bucket, documents and the schedule are created. Turned off, the bucket stays in " +
		"the account with its backups, which still expire, and Pulumi forgets it. Turned on again, a new bucket is " +
		"created; docs/operations.md (Restore everything) says how to bring the newest backups along",
	"dbBackupBucketName": "New backups go to a new bucket. The old one stays in the account with its backups, which " +
		"webstack backups no longer lists",
	"backupSchedule": "The next backup follows the new schedule; none is made at once",
	"backupRetentionDays": "Applies to existing backups too: with a smaller number, S3 deletes older ones within a day " +
		"or two. The newest verified backup of each database stays",
	"alarmEmail":          "The next e-mails go to the new address",
	"slackWebhookUrl":     "The host uses it from the next failure on. The containers keep running",
	"resendApiKey":        "The host uses it from the next failure on. The containers keep running",
	"resendFrom":          "The next e-mails have the new sender",
	"enableDns":           "Records are created or deleted",
	"cloudflare:apiToken": "Used from this run on",
	"githubOidcProviderArn": "The deploy roles trust the named provider. The account's own is deleted if the stack " +
		"created it",

	"aws:region": "Do not change it: a stack stays in its region. Create a new stack in the other " +
		"region and move the databases",
	"aws:profile":                   "Used from this run on",
	"aws:assumeRole":                "Used from this run on",
	"aws:allowedAccountIds":         "Checked from this run on",
	"aws:s3UsePathStyle":            "Used from this run on",
	"aws:skipCredentialsValidation": "Used from this run on",
	"aws:skipMetadataApiCheck":      "Used from this run on",

	"domain": "The app answers under the new domain at once, and no longer under the old one. Caddy gets a certificate " +
		"for it. Two apps may swap domains in one run",
	"zone":       "The records move to the new zone",
	"recordName": "Nothing: its value must follow from domain and zone",
	"aliases":    "Caddy reloads its configuration; records are added or removed",
	"cfProxied":  "The records change, and so does whether Caddy takes the visitor's address from Cloudflare's headers",
	"cfTtl":      "The records change",
	"repoName": "A new, empty repository replaces the old one, whose images are deleted. The running container is not " +
		"affected. Push the release to the new repository and release it again; until then the host reports that it is " +
		"missing",
	"githubRepo":    "The deploy role trusts the new repository and no longer the old one",
	"githubBranch":  "The deploy role trusts the new branch and no longer the old one",
	"githubOwnerId": "The deploy role's trust changes",
	"githubRepoId":  "The deploy role's trust changes",
	"containerPort": "The app's container is replaced without an interruption; it must listen on the new port",
	"healthPath":    "The next container is checked at the new path",
	"memoryMb":      "The app's container is replaced without an interruption",
	"dbConnections": "The role's limit changes at once; open connections stay open. The shares of the other apps change " +
		"too",
	"init":                  "The app's container is replaced without an interruption",
	"startTimeoutSeconds":   "Applies from the next deploy on",
	"drainTimeoutSeconds":   "Applies from the next deploy on",
	"releaseCommand":        "Applies from the next deploy on",
	"releaseTimeoutSeconds": "Applies from the next deploy on",
	"stopGraceSeconds":      "The app's container is replaced without an interruption",
}
