package appcompose

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
)

// passwordLength letters and digits have about 190 bits and need no quoting anywhere.
const passwordLength = 32

// secrets stores the stack's secrets in Parameter Store, encrypted with the stack's own key: every principal of the
// account may decrypt what is encrypted with the account's default key.
func (p *publisher) secrets() error {
	if err := p.key(); err != nil {
		return err
	}
	base := contract.BasePath(p.args.Project, p.args.Stack)
	password, err := p.postgresPassword()
	if err != nil {
		return err
	}
	if err := p.secure("postgres-password", contract.PostgresPasswordParam(base), password); err != nil {
		return err
	}
	if p.args.PostgresHost != nil {
		if err := p.postgresHost(contract.PostgresHostParam(base)); err != nil {
			return err
		}
	}
	if err := p.notifySecrets(base); err != nil {
		return err
	}
	for _, app := range p.args.Apps {
		password, err := p.password(app.Name + "-database")
		if err != nil {
			return err
		}
		err = p.secure(app.Name+"-database-password", contract.AppDatabasePasswordParam(base, app.Name), password)
		if err != nil {
			return err
		}
		err = p.hostOwned(app.Name+"-release", contract.AppReleaseParam(base, app.Name), contract.NoRelease)
		if err != nil {
			return err
		}
		if err := p.hostOwned(app.Name+"-deploy", contract.AppDeployParam(base, app.Name), contract.NoDeploy); err != nil {
			return err
		}
		// The names below are unique: an app's name may contain "-env-", but a variable's name has no "-".
		for _, variable := range app.SecureEnv {
			err := p.secure(app.Name+"-env-"+variable, contract.AppEnvParam(base, app.Name, variable),
				p.args.Secrets[app.Name][variable])
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// notifySecrets stores what the host needs to tell people about failures.
func (p *publisher) notifySecrets(base string) error {
	if p.args.SlackWebhookURL != nil {
		if err := p.secure("slack-webhook-url", contract.SlackWebhookParam(base), p.args.SlackWebhookURL); err != nil {
			return err
		}
	}
	if p.args.ResendAPIKey != nil {
		return p.secure("resend-api-key", contract.ResendKeyParam(base), p.args.ResendAPIKey)
	}
	return nil
}

// key creates the key. Without it the parameters cannot be read, so it is protected, and if it is deleted anyway, AWS
// waits 30 days.
func (p *publisher) key() error {
	key, err := kms.NewKey(p.ctx, p.name+"-secrets", &kms.KeyArgs{
		Description:          pulumi.String("Secrets of the stack " + p.args.Project + "/" + p.args.Stack),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(30),
	}, p.child(pulumi.Protect(true))...)
	if err != nil {
		return fmt.Errorf("create the key: %w", err)
	}
	_, err = kms.NewAlias(p.ctx, p.name+"-secrets", &kms.AliasArgs{
		Name:        pulumi.String(contract.SecretsAlias(p.args.Project, p.args.Stack)),
		TargetKeyId: key.KeyId,
	}, p.child()...)
	if err != nil {
		return fmt.Errorf("create the key's alias: %w", err)
	}
	p.component.KmsKeyArn = key.Arn
	return nil
}

func (p *publisher) postgresPassword() (pulumi.StringInput, error) {
	if p.args.PostgresPassword != nil {
		return p.args.PostgresPassword, nil
	}
	return p.password("postgres")
}

func (p *publisher) password(name string) (pulumi.StringInput, error) {
	password, err := random.NewRandomPassword(p.ctx, p.name+"-"+name, &random.RandomPasswordArgs{
		Length:  pulumi.Int(passwordLength),
		Special: pulumi.Bool(false),
	}, p.child()...)
	if err != nil {
		return nil, fmt.Errorf("generate a password for %s: %w", name, err)
	}
	return password.Result, nil
}

// secure creates a SecureString parameter. The SDK marks its value as secret.
func (p *publisher) secure(name, parameter string, value pulumi.StringInput) error {
	r, err := ssm.NewParameter(p.ctx, p.name+"-"+name, &ssm.ParameterArgs{
		Name:  pulumi.String(parameter),
		Type:  pulumi.String("SecureString"),
		KeyId: p.component.KmsKeyArn,
		Value: pulumi.ToSecret(value).(pulumi.StringOutput),
	}, p.child()...)
	if err != nil {
		return fmt.Errorf("make parameter %s: %w", parameter, err)
	}
	p.published(r)
	return nil
}

func (p *publisher) postgresHost(parameter string) error {
	r, err := ssm.NewParameter(p.ctx, p.name+"-postgres-host", &ssm.ParameterArgs{
		Name:          pulumi.String(parameter),
		Type:          pulumi.String("String"),
		InsecureValue: p.args.PostgresHost,
	}, p.child()...)
	if err != nil {
		return fmt.Errorf("make parameter %s: %w", parameter, err)
	}
	p.published(r)
	return nil
}

// hostOwned creates a parameter whose value the host owns from then on. It goes with its app, so that an app that is
// added again has no past. No other input may ever change, because an update would overwrite the value with the last one
// that Pulumi knew.
func (p *publisher) hostOwned(name, parameter, first string) error {
	r, err := ssm.NewParameter(p.ctx, p.name+"-"+name, &ssm.ParameterArgs{
		Name:          pulumi.String(parameter),
		Type:          pulumi.String("String"),
		InsecureValue: pulumi.String(first),
	}, p.child(pulumi.IgnoreChanges([]string{"insecureValue", "value", "type", "tier", "dataType", "keyId"}))...)
	if err != nil {
		return fmt.Errorf("make parameter %s: %w", parameter, err)
	}
	p.published(r)
	return nil
}
