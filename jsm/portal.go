package jsm

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// Portal is what the customer sees of a request: the status in the portal's words, which the desk's administrators
// choose, and the address of its page.
type Portal struct{ Status, URL string }

// DecodePortal reads the portal's part of the request type field, which a ticket brings without a call of its own; its
// shape is that of the service desk's answer [B]. An address that is none of the web is left out.
func DecodePortal(raw json.RawMessage) (Portal, error) {
	var j *struct {
		Links struct {
			Web string `json:"web"`
		} `json:"_links"`
		Status struct {
			Name string `json:"status"`
		} `json:"currentStatus"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return Portal{}, fmt.Errorf("reading what the portal shows: %s", shape(err))
	}
	if j == nil {
		return Portal{}, nil
	}
	p := Portal{Status: j.Status.Name, URL: j.Links.Web}
	if u, err := url.Parse(p.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		p.URL = ""
	}
	return p, nil
}
