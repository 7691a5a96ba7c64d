package gateway

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"webstack/local/machine"
)

// agentVersion is a version that supports everything the laptop cloud does.
const agentVersion = "3.3.4121.0"

// information is a managed instance as DescribeInstanceInformation shows it.
type information struct {
	InstanceID       string `json:"InstanceId"`
	PingStatus       string
	LastPingDateTime float64
	AgentVersion     string
	IsLatestVersion  bool
	PlatformType     string
	PlatformName     string
	PlatformVersion  string
	ResourceType     string
	IPAddress        string
	ComputerName     string
	SourceID         string `json:"SourceId"`
	SourceType       string
	RegistrationDate float64

	AssociationStatus                      string  `json:",omitempty"`
	LastAssociationExecutionDate           float64 `json:",omitempty"`
	LastSuccessfulAssociationExecutionDate float64 `json:",omitempty"`
	AssociationOverview                    *struct {
		DetailedStatus                           string
		InstanceAssociationStatusAggregatedCount map[string]int
	} `json:",omitempty"`

	host host
}

// information lists the region's instances whose agents have registered.
func (f *fleet) information(ctx context.Context, region string) ([]information, error) {
	if f.machines == nil {
		return nil, nil
	}
	hosts, err := f.hosts(ctx, region)
	if err != nil {
		return nil, err
	}
	list := []information{}
	for _, h := range hosts {
		online := f.online(ctx, region, h.ID)
		if online {
			f.learnPlatform(ctx, h.ID)
		}
		known := f.agentOf(h.ID)
		f.mu.Lock()
		info := information{
			InstanceID: h.ID, PingStatus: "ConnectionLost", AgentVersion: agentVersion, IsLatestVersion: true,
			PlatformType: "Linux", PlatformName: known.platform, PlatformVersion: known.version,
			ResourceType: "EC2Instance", IPAddress: h.PrivateIP, SourceID: h.ID, SourceType: "AWS::EC2::Instance",
			ComputerName: "ip-" + strings.ReplaceAll(h.PrivateIP, ".", "-"), host: h,
		}
		isRegistered := !known.registered.IsZero()
		if isRegistered {
			info.LastPingDateTime, info.RegistrationDate = unix(known.lastPing), unix(known.registered)
		}
		f.mu.Unlock()
		if online {
			info.PingStatus = "Online"
		}
		if isRegistered {
			f.addAssociations(&info, region)
			list = append(list, info)
		}
	}
	slices.SortFunc(list, func(a, b information) int { return cmp.Compare(a.InstanceID, b.InstanceID) })
	return list, nil
}

// learnPlatform asks a machine once which system it runs.
func (f *fleet) learnPlatform(ctx context.Context, instanceID string) {
	known := f.agentOf(instanceID)
	f.mu.Lock()
	learned := known.platform != ""
	f.mu.Unlock()
	if learned {
		return
	}
	var out bytes.Buffer
	exit, err := f.machines.Run(ctx, instanceID, machine.Command{
		Args: []string{"cat", "/etc/os-release"}, Stdout: &out, Timeout: 10 * time.Second,
	})
	if err != nil || exit.Code != 0 {
		return
	}
	fields := map[string]string{}
	for line := range strings.Lines(out.String()) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		fields[key] = strings.Trim(value, `"`)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	known.platform, known.version = fields["NAME"], fields["VERSION_ID"]
}

// addAssociations adds the status of the machine's associations.
func (f *fleet) addAssociations(info *information, region string) {
	associations := f.gateway.state.list(region)
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[string]int{}
	for _, a := range associations {
		kept := f.managed[a.AssociationID]
		if kept == nil || kept.targets[info.InstanceID] == nil {
			continue
		}
		on := kept.targets[info.InstanceID]
		counts[on.status(kept, a)]++
		if on.last != nil {
			info.LastAssociationExecutionDate = max(info.LastAssociationExecutionDate, unix(on.last.date))
		}
		if !on.succeeded.IsZero() {
			info.LastSuccessfulAssociationExecutionDate = max(info.LastSuccessfulAssociationExecutionDate, unix(on.succeeded))
		}
	}
	if len(counts) == 0 {
		return
	}
	info.AssociationStatus = together(counts)
	info.AssociationOverview = &struct {
		DetailedStatus                           string
		InstanceAssociationStatusAggregatedCount map[string]int
	}{info.AssociationStatus, counts}
}

// matches reports whether the instance matches a filter.
func (i information) matches(key string, values []string) (bool, *problem) {
	fields := map[string]string{
		"InstanceIds": i.InstanceID, "PingStatus": i.PingStatus, "PlatformTypes": i.PlatformType,
		"AgentVersion": i.AgentVersion, "ResourceType": i.ResourceType, "AssociationStatus": i.AssociationStatus,
		"SourceIds": i.SourceID, "SourceTypes": i.SourceType,
	}
	if value, ok := fields[key]; ok {
		return slices.Contains(values, value), nil
	}
	if key == "tag-key" || strings.HasPrefix(key, "tag:") {
		return i.host.matchesOne(target{key, values}), nil
	}
	return false, wrong("InvalidFilterKey", "The laptop cloud does not support the filter %q for instances", key)
}

func (g *Gateway) describeInstanceInformation(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		Filters []struct {
			Key    string
			Values []string
		}
		InstanceInformationFilterList []struct {
			Key      string   `json:"key"`
			ValueSet []string `json:"valueSet"`
		}
		MaxResults int
		NextToken  string
	}
	if !c.parse(w, &in) {
		return
	}
	all, err := g.fleet.information(r.Context(), c.region)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	filters := in.Filters
	for _, filter := range in.InstanceInformationFilterList {
		filters = append(filters, struct {
			Key    string
			Values []string
		}{filter.Key, filter.ValueSet})
	}
	list := []any{}
	for _, info := range all {
		passes := true
		for _, filter := range filters {
			ok, problem := info.matches(filter.Key, filter.Values)
			if problem != nil {
				c.refuse(w, problem)
				return
			}
			passes = passes && ok
		}
		if passes {
			list = append(list, info)
		}
	}
	c.page(w, "InstanceInformationList", list, in.MaxResults, in.NextToken)
}

func (g *Gateway) getConnectionStatus(w http.ResponseWriter, r *http.Request, c call) {
	var in struct{ Target string }
	if !c.parse(w, &in) {
		return
	}
	hosts, err := g.fleet.hosts(r.Context(), c.region)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	status := "notconnected"
	if slices.ContainsFunc(hosts, func(h host) bool { return h.ID == in.Target }) &&
		g.fleet.online(r.Context(), c.region, in.Target) {
		status = "connected"
	}
	c.answer(w, map[string]any{"Target": in.Target, "Status": status})
}
