package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"webstack/local/machine"
)

// hosting makes machines follow what happens to instances and volumes. EC2's answers do not wait for it, as on AWS.
type hosting struct {
	gateway  *Gateway
	machines machine.Machines
	queue    *queue

	mu      sync.Mutex
	known   map[string]*hosted // by instance
	holders map[string]string  // the instance that a volume is or was attached to, by volume
}

// hosted is the last known state of a machine.
type hosted struct {
	region, role, address string
	booted                bool
	problem               error // why it could not be booted or started
}

func newHosting(g *Gateway, machines machine.Machines) *hosting {
	return &hosting{
		gateway: g, machines: machines, queue: newQueue(), known: map[string]*hosted{}, holders: map[string]string{},
	}
}

// do queues a change of an instance. A failure is logged, because nobody waits for it.
func (h *hosting) do(what, id string, job func(ctx context.Context) error, volumes ...string) {
	h.queue.add(func(ctx context.Context) {
		if err := job(ctx); err != nil && ctx.Err() == nil {
			h.gateway.logf("%s %s: %v\n", what, id, err)
		}
		h.gateway.fleet.wake() // associations may be due on the machine
	}, append(volumes, id)...)
}

// instanceDetails are an instance as DescribeInstances shows it, as far as a machine is made of it.
type instanceDetails struct {
	describedInstance
	ID        string `xml:"instanceId"`
	Image     string `xml:"imageId"`
	Type      string `xml:"instanceType"`
	Zone      string `xml:"placement>availabilityZone"`
	PrivateIP string `xml:"privateIpAddress"`
	PublicIP  string `xml:"ipAddress"`
	Owner     string `xml:"-"`
}

// errNoInstance means that an instance is terminated or never existed.
var errNoInstance = errors.New("the instance does not exist")

// details asks for an instance.
func (g *Gateway) details(ctx context.Context, region, id string) (instanceDetails, error) {
	var out struct {
		Reservations []struct {
			Owner     string            `xml:"ownerId"`
			Instances []instanceDetails `xml:"instancesSet>item"`
		} `xml:"reservationSet>item"`
	}
	err := g.readForm(ctx, region, "ec2", "DescribeInstances", url.Values{"InstanceId.1": {id}}, &out)
	if err != nil {
		return instanceDetails{}, err
	}
	if len(out.Reservations) == 0 || len(out.Reservations[0].Instances) == 0 {
		return instanceDetails{}, errNoInstance
	}
	found := out.Reservations[0].Instances[0]
	found.Owner = out.Reservations[0].Owner
	if found.State == "terminated" {
		return found, errNoInstance
	}
	return found, nil
}

// boot makes the machine of a new instance. userData is in base64, as the call had it.
func (h *hosting) boot(region, id, userData string) {
	known := &hosted{region: region}
	h.mu.Lock()
	h.known[id] = known
	h.mu.Unlock()
	h.do("boot", id, func(ctx context.Context) error {
		details, err := h.gateway.details(ctx, region, id)
		if errors.Is(err, errNoInstance) {
			return nil // terminated meanwhile
		}
		if err != nil {
			return h.failed(known, err)
		}
		data, err := base64.StdEncoding.DecodeString(userData)
		if err != nil {
			return h.failed(known, fmt.Errorf("read the user data: %w", err))
		}
		role, err := h.gateway.roleOf(ctx, region, id)
		if err != nil {
			return h.failed(known, err)
		}
		err = h.machines.Boot(ctx, machine.Spec{
			InstanceID: id, AccountID: details.Owner, Region: region, AvailabilityZone: details.Zone,
			InstanceType: details.Type, ImageID: details.Image, PrivateIP: details.PrivateIP,
			UserData: data, RoleName: role, Metadata: details.options(),
		})
		if err != nil {
			return h.failed(known, err)
		}
		h.mu.Lock()
		known.booted, known.role = true, role
		h.mu.Unlock()
		return h.follow(ctx, id)
	})
}

// failed records for DescribeInstanceStatus that a machine is not running.
func (h *hosting) failed(known *hosted, err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	known.problem = err
	return err
}

// options returns the metadata options for a machine.
func (d describedInstance) options() machine.MetadataOptions {
	hops, err := strconv.Atoi(d.Metadata.HTTPPutResponseHopLimit)
	if err != nil || hops < 1 {
		hops = 1
	}
	return machine.MetadataOptions{
		Enabled: d.Metadata.HTTPEndpoint != "disabled", TokenRequired: d.Metadata.HTTPTokens == "required", HopLimit: hops,
	}
}

// follow tells a machine its public address and its role if they have changed.
func (h *hosting) follow(ctx context.Context, id string) error {
	h.mu.Lock()
	known, ok := h.known[id]
	booted := ok && known.booted
	h.mu.Unlock()
	if !booted {
		return nil
	}
	details, err := h.gateway.details(ctx, known.region, id)
	if errors.Is(err, errNoInstance) {
		return nil
	}
	if err != nil {
		return err
	}
	role, err := h.gateway.roleOf(ctx, known.region, id)
	if err != nil {
		return err
	}
	if details.PublicIP != known.address { // only jobs about this instance look at these fields
		if err := h.machines.Expose(ctx, id, details.PublicIP); err != nil {
			return err
		}
		known.address = details.PublicIP
	}
	if role != known.role {
		if err := h.machines.SetRole(ctx, id, role); err != nil {
			return err
		}
		known.role = role
	}
	return nil
}

// followAll makes all machines check what a call may have changed.
func (h *hosting) followAll() {
	h.mu.Lock()
	ids := slices.Collect(maps.Keys(h.known))
	h.mu.Unlock()
	for _, id := range ids {
		h.do("follow changes of", id, func(ctx context.Context) error { return h.follow(ctx, id) })
	}
}

// setMetadata tells a machine the instance's metadata options.
func (h *hosting) setMetadata(region, id string) {
	h.do("set the metadata options of", id, func(ctx context.Context) error {
		details, err := h.gateway.details(ctx, region, id)
		if errors.Is(err, errNoInstance) {
			return nil
		}
		if err != nil {
			return err
		}
		return h.machines.SetMetadata(ctx, id, details.options())
	})
}

// power stops, starts or reboots machines as a call did with instances.
func (h *hosting) power(action string, ids []string) {
	for _, id := range ids {
		switch action {
		case "StopInstances":
			h.do("stop", id, func(ctx context.Context) error { return h.machines.Stop(ctx, id) })
		case "StartInstances":
			h.do("start", id, func(ctx context.Context) error {
				if err := h.machines.Start(ctx, id); err != nil {
					return err
				}
				return h.follow(ctx, id)
			})
		case "RebootInstances":
			h.do("reboot", id, func(ctx context.Context) error { return h.machines.Reboot(ctx, id) })
		case "TerminateInstances":
			h.terminate(id)
		}
	}
}

// terminate removes a machine. Attaching one of its volumes elsewhere waits for that.
func (h *hosting) terminate(id string) {
	h.mu.Lock()
	var volumes []string
	for volume, holder := range h.holders {
		if holder == id {
			volumes = append(volumes, volume)
		}
	}
	delete(h.known, id)
	h.mu.Unlock()
	h.do("terminate", id, func(ctx context.Context) error { return h.machines.Terminate(ctx, id) }, volumes...)
}

// attach attaches a volume to its machine, or tells the machine its new size.
func (h *hosting) attach(region, id, volume string) {
	h.mu.Lock()
	h.holders[volume] = id
	h.mu.Unlock()
	h.do("attach "+volume+" to", id, func(ctx context.Context) error {
		var out struct {
			Sizes []int `xml:"volumeSet>item>size"`
		}
		if err := h.gateway.readForm(ctx, region, "ec2", "DescribeVolumes", url.Values{"VolumeId.1": {volume}}, &out); err != nil {
			return err
		}
		if len(out.Sizes) != 1 {
			return nil // deleted meanwhile
		}
		return h.machines.Attach(ctx, id, volume, out.Sizes[0])
	}, volume)
}

// resize tells the machine that has the volume its new size.
func (h *hosting) resize(region, volume string) {
	if holder := h.holder(volume); holder != "" {
		h.attach(region, holder, volume)
	}
}

func (h *hosting) holder(volume string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.holders[volume]
}

func (h *hosting) detach(volume string) {
	id := h.holder(volume)
	if id == "" {
		return
	}
	h.mu.Lock()
	delete(h.holders, volume)
	h.mu.Unlock()
	h.do("detach "+volume+" from", id, func(ctx context.Context) error {
		return h.machines.Detach(ctx, id, volume)
	}, volume)
}

func (h *hosting) deleteVolume(volume string) {
	h.mu.Lock()
	delete(h.holders, volume)
	h.mu.Unlock()
	h.do("delete", volume, func(ctx context.Context) error { return h.machines.DeleteVolume(ctx, volume) })
}
