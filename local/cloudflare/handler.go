package cloudflare

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// Options say how the API behaves.
type Options struct {
	// Token is the only API token that is accepted; if it is empty, any is.
	Token string
	// AutoZones creates a zone when it is requested by its exact name, so that the zone of a new app does not have to be
	// created by hand.
	AutoZones bool
}

// base is the path of the API, version 4.
const base = "/client/v4"

// maxBody limits a request, in bytes; Cloudflare's records are far smaller.
const maxBody = 1 << 20

type api struct {
	store   *Store
	options Options
}

// Handler serves the API over the store at /client/v4.
func Handler(store *Store, options Options) http.Handler {
	a := &api{store, options}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/zones", a.listZones)
	mux.HandleFunc("GET "+base+"/zones/{zone}", a.getZone)
	mux.HandleFunc("GET "+base+"/zones/{zone}/dns_records", a.listRecords)
	mux.HandleFunc("POST "+base+"/zones/{zone}/dns_records", a.createRecord)
	mux.HandleFunc("GET "+base+"/zones/{zone}/dns_records/{record}", a.getRecord)
	mux.HandleFunc("PUT "+base+"/zones/{zone}/dns_records/{record}", a.putRecord)
	mux.HandleFunc("PATCH "+base+"/zones/{zone}/dns_records/{record}", a.patchRecord)
	mux.HandleFunc("DELETE "+base+"/zones/{zone}/dns_records/{record}", a.deleteRecord)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fail(w, errNoRoute) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.authenticate(r); err != nil {
			fail(w, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		mux.ServeHTTP(w, r)
	})
}

func (a *api) authenticate(r *http.Request) *apiError {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.Header.Get("X-Auth-Key") != "": // the account has only API tokens
		return errKey
	case !ok || token == "":
		return errNoToken
	case a.options.Token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(a.options.Token)) == 0:
		return errToken
	}
	return nil
}

// envelope wraps every answer.
type envelope struct {
	Result     any         `json:"result"`
	ResultInfo *resultInfo `json:"result_info,omitempty"`
	Success    bool        `json:"success"`
	Errors     []message   `json:"errors"`
	Messages   []message   `json:"messages"`
}

type message struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// resultInfo says which page of a list this is.
type resultInfo struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
	TotalPages int `json:"total_pages"`
}

func write(w http.ResponseWriter, status int, e envelope) {
	if e.Errors == nil {
		e.Errors = []message{}
	}
	e.Messages = []message{}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(e) // the client may be gone
}

func fail(w http.ResponseWriter, err *apiError) {
	write(w, err.status, envelope{Errors: []message{{err.code, err.message}}})
}

func answer(w http.ResponseWriter, result any) {
	write(w, http.StatusOK, envelope{Result: result, Success: true})
}

// respond answers with the store's result.
func respond(w http.ResponseWriter, r Record, err *apiError) {
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, recordView(r))
}

// answerPage answers with the requested page of all. A page has usual entries unless the query says otherwise.
func answerPage[T any](w http.ResponseWriter, r *http.Request, all []T, usual, most int) {
	page, errPage := number(r, "page", 1, 1, math.MaxInt32)
	size, errSize := number(r, "per_page", usual, 1, most)
	if errPage != nil || errSize != nil {
		fail(w, invalid(1003, "Invalid or missing page or per_page: per_page is 1 to %d.", most))
		return
	}
	from := min((page-1)*size, len(all))
	shown := append([]T{}, all[from:min(from+size, len(all))]...)
	write(w, http.StatusOK, envelope{Result: shown, Success: true, ResultInfo: &resultInfo{
		Page: page, PerPage: size, Count: len(shown), TotalCount: len(all), TotalPages: (len(all) + size - 1) / size,
	}})
}

// number reads a number from the query.
func number(r *http.Request, key string, usual, least, most int) (int, error) {
	text := r.URL.Query().Get(key)
	if text == "" {
		return usual, nil
	}
	value, err := strconv.Atoi(text)
	if err == nil && (value < least || value > most) {
		err = strconv.ErrRange
	}
	return value, err
}

// randomID returns 32 hexadecimal digits, as Cloudflare's ids are.
func randomID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("cloudflare: the system has no randomness: " + err.Error()) // never on Linux and macOS
	}
	return hex.EncodeToString(b[:])
}
