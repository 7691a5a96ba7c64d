package config

// changes says what happens on a running stack when the value of a key, or of an app's field, changes: a sentence or two.
// Every key has an entry; what each changes among the resources is tested in package stack.
var changes = map[string]string{
	"instanceType": "The host is stopped, changed and started, and Postgres restarts with the new share of memory. Another " +
		"architecture makes a new host, to which the data volume moves",
	"useEip": "Turned on, the host gets another public address. Turned off, a new host is made, to which the data " +
		"volume moves: the address goes back to AWS. Records follow with enableDns",
	"rootVolumeSize": "The root volume grows; its file system follows at the next boot. AWS does not shrink a volume: pulumi " +
		"up fails and changes nothing",
	"dataVolumeSize": "The volume and its file system grow while they are in use, and Postgres restarts with another limit for " +
		"temporary files. AWS does not shrink a volume, and allows one change in six hours",
	"stackDir": "The directory moves with all that is in it, and the containers keep running. A new directory on another disk " +
		"replaces them",
	"sshAllowedCidr": "The rule of the security group changes; open connections stay",
	"vpcCidr": "Everything in the network is replaced, the host too. The data volume moves to the new host. Plan it " +
		"like a move",
	"natMode":    "The NAT gateway comes or goes. The host does not use it",
	"enableIpv6": "Records are added or removed, and a new host is made, to which the data volume moves",
	"amiId":      "A new host is made, to which the data volume moves. Emptying it keeps the host",
	"postgresUser": "In the container the superuser is renamed, and Postgres restarts. RDS has no other name for it: the " +
		"database would be replaced, which its protection refuses",
	"postgresPassword": "The superuser's password changes. Emptying it generates a new one",
	"postgresDefaultDb": "A new, empty database is made beside the old one, which stays. RDS would replace the whole server, " +
		"which its protection refuses",
	"enableExternalPostgres": "The apps get empty databases on the other server; nothing is copied. Dump the databases before, restore " +
		"them after. The data in the container's directory stays. RDS is protected: see Destroy a stack in " +
		"operations.md",
	"apps": "A new app gets a repository, a deploy role and document, parameters, records, a service and a virtual host; it answers 503 " +
		"until a release is live. Of an app that was taken out all of these go, its images and the record of its release too. Its " +
		"database stays, and the app finds it when it is added again",
	"appEnvPlain":  "The app's container is replaced without an interruption",
	"appEnvSecure": "The app's container is replaced without an interruption",
	"activeApp":    "Caddy reloads its configuration",
	"caddyEmail":   "Caddy reloads its configuration. Certificates stay",
	"accessLog":    "Caddy reloads its configuration",
	"acme":         "Caddy reloads its configuration and gets new certificates from the other authority",
	"enablePgDumpToS3": "Turned on, a bucket and documents are made. Turned off, the bucket stays in the account with its " +
		"backups, which go on expiring, and Pulumi forgets it. To use that bucket again, name it in dbBackupBucketName and import it first",
	"dbBackupBucketName": "A new bucket takes new backups. The old one stays in the account with what is in it",
	"backupSchedule":     "The next backup follows the new schedule",
	"backupRetentionDays": "Counts for the backups that exist, too: with a smaller number S3 deletes what is older within a day or " +
		"two",
	"enableDns":           "Records are made, or deleted",
	"cloudflare:apiToken": "Used from this run on",
	"githubOidcProviderArn": "The deploy roles trust the provider that is named. The account's own is deleted when the stack had made " +
		"it",

	"aws:region":                    "Do not change it: a stack stays in its region. Make a new stack in the other region and move the databases",
	"aws:profile":                   "Used from this run on",
	"aws:assumeRole":                "Used from this run on",
	"aws:allowedAccountIds":         "Checked from this run on",
	"aws:s3UsePathStyle":            "Used from this run on",
	"aws:skipCredentialsValidation": "Used from this run on",
	"aws:skipMetadataApiCheck":      "Used from this run on",

	"domain": "The app answers under the new domain at once, and no longer under the old one. Caddy gets a certificate " +
		"for it. Two apps may swap domains in one run",
	"zone":       "The records move to the new zone",
	"recordName": "Nothing: it can only be what follows from domain and zone",
	"aliases":    "Caddy reloads its configuration; records come and go",
	"cfProxied":  "The records change, and Caddy takes the visitor's address from Cloudflare's headers or not",
	"cfTtl":      "The records change",
	"repoName": "A new, empty repository replaces the old one, whose images are deleted. The container that runs is not touched; push the " +
		"release to the new repository and put it live, as the host reports until then that it is missing",
	"githubRepo":    "The deploy role trusts the new repository and no longer the old one",
	"githubBranch":  "The deploy role trusts the new branch and no longer the old one",
	"githubOwnerId": "The deploy role's trust changes",
	"githubRepoId":  "The deploy role's trust changes",
	"containerPort": "The app's container is replaced without an interruption; it must listen on the new port",
	"healthPath":    "The next container is asked for the new path",
	"memoryMb":      "The app's container is replaced without an interruption",
	"dbConnections": "The role's limit changes at once; connections that are open stay. The shares of the other apps change, " +
		"too",
	"init":                "The app's container is replaced without an interruption",
	"startTimeoutSeconds": "Counts for the next deploy",
	"drainTimeoutSeconds": "Counts for the next deploy",
	"stopGraceSeconds":    "The app's container is replaced without an interruption",
}
