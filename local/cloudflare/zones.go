package cloudflare

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// accountID is the id of the one account that owns all zones.
const accountID = "00000000000000000000000000000001"

type zoneJSON struct {
	ID              string       `json:"id"`
	Name            string       `json:"name"`
	Status          string       `json:"status"`
	Paused          bool         `json:"paused"`
	Type            string       `json:"type"`
	DevelopmentMode int          `json:"development_mode"`
	NameServers     []string     `json:"name_servers"`
	Account         accountJSON  `json:"account"`
	Plan            zonePlanJSON `json:"plan"`
	CreatedOn       time.Time    `json:"created_on"`
	ModifiedOn      time.Time    `json:"modified_on"`
	ActivatedOn     time.Time    `json:"activated_on"`
}

type accountJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type zonePlanJSON struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	LegacyID string `json:"legacy_id"`
}

func zoneView(z Zone) zoneJSON {
	return zoneJSON{
		ID: z.ID, Name: z.Name, Status: "active", Type: "full", NameServers: NameServers,
		Account: accountJSON{accountID, "laptop"}, Plan: zonePlanJSON{zoneID("free plan"), "Free Website", "free"},
		CreatedOn: z.CreatedOn, ModifiedOn: z.CreatedOn, ActivatedOn: z.CreatedOn,
	}
}

// NameServers are the names under which the zones' name servers are known.
var NameServers = []string{"ada.ns.cloudflare.com", "bob.ns.cloudflare.com"}

// listZones lists zones, filtered by name, account and status. A name may begin with an operator.
func (a *api) listZones(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	operator, name, ok := strings.Cut(query.Get("name"), ":")
	if !ok {
		operator, name = "equal", operator
	}
	name = punycode(normal(name))
	matches, ok := map[string]func(have, want string) bool{
		"equal":       func(have, want string) bool { return have == want },
		"not_equal":   func(have, want string) bool { return have != want },
		"contains":    strings.Contains,
		"starts_with": strings.HasPrefix,
		"ends_with":   strings.HasSuffix,
	}[operator]
	if !ok {
		fail(w, invalid(1003, "Invalid zone name: unknown operator %q.", operator))
		return
	}
	if a.options.AutoZones && operator == "equal" && name != "" {
		if _, err := a.store.EnsureZone(name); err != nil {
			fail(w, invalid(1003, "Invalid zone name %q.", name))
			return
		}
	}
	account, status := query.Get("account.id"), query.Get("status")
	zones := []zoneJSON{}
	for _, z := range a.store.list() {
		if (name == "" || matches(z.Name, name)) &&
			slices.Contains([]string{"", accountID}, account) && slices.Contains([]string{"", "active"}, status) {
			zones = append(zones, zoneView(z))
		}
	}
	answerPage(w, r, zones, 20, 50)
}

// punycode returns the stored form of a zone's name. Clients may ask for it in Unicode, and cloudflare-go always does.
func punycode(name string) string {
	if ascii, err := idna.ToASCII(name); err == nil {
		return ascii
	}
	return name
}

func (a *api) getZone(w http.ResponseWriter, r *http.Request) {
	z, err := a.store.zone(r.PathValue("zone"))
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, zoneView(z))
}
