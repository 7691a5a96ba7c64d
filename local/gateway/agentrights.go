package gateway

import (
	"context"
	"fmt"
)

// agentNeeds are the permissions without which an agent does nothing: to register, to receive commands, and to learn of
// associations.
var agentNeeds = []demand{
	{action: "ssm:UpdateInstanceInformation"},
	{action: "ssmmessages:CreateControlChannel", or: "ec2messages:GetMessages", resource: anything},
	{action: "ssm:ListInstanceAssociations"},
}

// may checks whether a machine's role allows calls; nil if it does.
func (f *fleet) may(ctx context.Context, region, instanceID string, demands ...demand) error {
	role, err := f.gateway.roleOf(ctx, region, instanceID)
	if err != nil {
		return err
	}
	if role == "" {
		return &denial{"the instance profile of " + instanceID + " has no role"}
	}
	account, err := f.gateway.accountID(ctx, region)
	if err != nil {
		return err
	}
	s := &session{account: account, role: role, name: instanceID}
	for _, d := range demands {
		if d.resource == "" {
			d.resource = call{region: region}.arn(account, "ec2", "instance/"+instanceID)
		}
		if err := f.gateway.check(ctx, region, s, d); err != nil {
			return err
		}
	}
	return nil
}

// allowedAgent reports whether a machine's role allows its agent to work. If not, the reason is logged once.
func (f *fleet) allowedAgent(ctx context.Context, region, instanceID string) bool {
	err := f.may(ctx, region, instanceID, agentNeeds...)
	if ctx.Err() != nil {
		return false
	}
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	known := f.agentOf(instanceID)
	f.mu.Lock()
	isNew := reason != known.reason
	known.reason = reason
	f.mu.Unlock()
	if isNew && err != nil {
		f.gateway.logf("the SSM agent of %s does nothing: %v\n", instanceID, err)
	}
	return err == nil
}

// objectRight returns the permission for a call about an object of S3.
func objectRight(action, bucket, key string) demand {
	return demand{action: "s3:" + action, resource: "arn:aws:s3:::" + bucket + "/" + key}
}

// mayRead checks whether a machine may read a parameter for its document.
func (f *fleet) mayRead(ctx context.Context, region, instanceID, parameter string) error {
	account, err := f.gateway.accountID(ctx, region)
	if err != nil {
		return err
	}
	c := call{region: region}
	if err := f.may(ctx, region, instanceID, demand{
		action: "ssm:GetParameters", resource: c.parameterArn(&session{account: account}, parameter),
	}); err != nil {
		return fmt.Errorf("the role of %s: %w", instanceID, err)
	}
	return nil
}
