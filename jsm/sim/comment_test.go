package sim

import (
	"strings"
	"testing"
	"time"
)

func TestCommentVisibility(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key + "/comment"
	internal := `"properties":[{"key":"sd.public.comment","value":{"internal":true}}]`
	for _, x := range []struct {
		body   string
		public bool
	}{
		{`{"body":` + seenIt + `}`, true}, // the platform's default is public
		{`{"body":` + seenIt + `,` + internal + `}`, false},
		{`{"body":` + seenIt + `,"properties":[{"key":"sd.public.comment","value":{"internal":"true"}}]}`, true}, // a string is not a boolean
		{`{"body":` + seenIt + `,"visibility":{"type":"role","value":"Service Desk Team"}}`, true},               // restricted is not internal
		{`{"body":` + seenIt + `,"jsdPublic":false}`, true},                                                      // read only
	} {
		r := s.want(201, "", Sync, "POST", path, x.body)
		if got := r.at("jsdPublic") == "true"; got != x.public {
			t.Errorf("%s is public: %v", x.body, got)
		}
		one := s.want(200, "", Sync, "GET", "/rest/servicedeskapi/request/"+key+"/comment/"+r.at("id"), nil)
		if one.at("public") != r.at("jsdPublic") {
			t.Errorf("servicedeskapi says %s, the platform %s", one.at("public"), r.at("jsdPublic"))
		}
	}
	s.tn.As("agent@north.example").SetField(key, "reporter", "customer@north.example")
	r := s.want(200, "", Customer, "GET", "/rest/servicedeskapi/request/"+key+"/comment", nil)
	if n := len(listAt(r.body, "values")); n != 3 {
		t.Errorf("the customer sees %d comments: %s", n, r.raw)
	}
	if r := s.want(201, "", Guest, "POST", path, `{"body":`+seenIt+`}`); r.at("jsdPublic") != "false" {
		t.Error("somebody without a licence wrote in public")
	}
}

func TestComments(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key + "/comment"
	for body, words := range map[string]string{
		`{}`:               "can not be empty",
		`{"body":""}`:      "Atlassian Document",
		`{"body":"plain"}`: "Atlassian Document",
		`{"body":{"type":"doc","version":1,"content":[{"type":"listItem","content":[]}]}}`:            "",
		`{"body":` + strings.ReplaceAll(seenIt, "seen it", strings.Repeat("x", 33000)) + `}`:          "CONTENT_LIMIT_EXCEEDED",
		`{"body":` + seenIt + `,"parentId":1}`:                                                        "parentId",
		`{"body":` + seenIt + `,"visibility":{"type":"person","value":"x"}}`:                          "visibility type",
		`{"body":` + seenIt + `,"properties":[{"key":"` + strings.Repeat("k", 256) + `","value":1}]}`: "property key",
	} {
		s.want(400, words, Sync, "POST", path, body)
	}
	s.pass(time.Second)
	a := s.want(201, `"parley"`, Sync, "POST", path+"?expand=properties", `{"body":`+seenIt+`,"properties":[{"key":"sd.public.comment","value":{"internal":true}},{"key":"parley","value":{"n":1}}]}`)
	x, _ := s.tn.Issue(key)
	if x.Updated.Format("05.000") != "41.376" || x.Changes != 0 {
		t.Errorf("a comment moves updated and leaves the history alone: %v %d", x.Updated, x.Changes)
	}
	b := s.want(201, `"parentId":`+a.at("id"), Sync, "POST", path, `{"body":`+seenIt+`,"parentId":"`+a.at("id")+`"}`)
	if b.at("jsdPublic") != "false" {
		t.Error("a reply does not inherit its parent's visibility")
	}
	s.want(400, "child comment", Sync, "PUT", path+"/"+b.at("id"), `{"body":`+seenIt+`,"properties":[{"key":"sd.public.comment","value":{"internal":false}}]}`)
	s.pass(time.Second)
	other := strings.ReplaceAll(seenIt, "seen it", "seen twice")
	r := s.want(200, `"seen twice"`, Human, "PUT", path+"/"+a.at("id")+"?expand=properties", `{"body":`+other+`}`)
	if r.at("jsdPublic") != "false" || len(listAt(r.body, "properties")) != 2 || r.at("updateAuthor", "displayName") != "Nils Haugen" || r.at("author", "displayName") != "Parley Sync" {
		t.Errorf("an edit of the text changed more: %s", r.raw)
	}
	if r.at("updated") == r.at("created") {
		t.Error("an edit leaves updated alone")
	}
	s.want(200, `"total":2`, Sync, "GET", path, nil)
	for order, first := range map[string]string{"created": a.at("id"), "-created": b.at("id"), "%2Bcreated": a.at("id")} {
		r := s.want(200, "", Sync, "GET", path+"?maxResults=1&orderBy="+order, nil)
		if got := textAt(listAt(r.body, "comments")[0], "id"); got != first {
			t.Errorf("orderBy %s begins with %s", order, got)
		}
	}
	s.want(400, "orderBy", Sync, "GET", path+"?orderBy=body", nil)
	s.want(200, `"total":1`, Sync, "POST", "/rest/api/3/comment/list", `{"ids":[`+a.at("id")+`,999999]}`)
	props := "/rest/api/3/comment/" + a.at("id") + "/properties"
	s.want(200, `"sd.public.comment"`, Sync, "GET", props, nil)
	s.want(200, "", Sync, "PUT", props+"/parley", `{"n":2}`)
	s.want(201, "", Sync, "PUT", props+"/other", `1`)
	s.want(200, `{"key":"parley","value":{"n":2}}`, Sync, "GET", props+"/parley", nil)
	s.want(204, "", Sync, "DELETE", props+"/other", nil)
	s.want(404, "", Sync, "GET", props+"/other", nil)
	s.want(200, `"jsdPublic":true`, Sync, "POST", "/rest/api/3/comment/list", `{"ids":[`+s.want(201, "", Sync, "POST", path, `{"body":`+seenIt+`}`).at("id")+`]}`)

	w := s.want(201, `"body":"h1. Title"`, Sync, "POST", "/rest/api/2/issue/"+key+"/comment", `{"body":"h1. Title"}`)
	s.want(200, `"heading"`, Sync, "GET", path+"/"+w.at("id"), nil)
	s.want(400, "32767", Sync, "POST", "/rest/api/2/issue/"+key+"/comment", obj{"body": strings.Repeat("x", 32768)})
	s.want(404, "", Customer, "DELETE", path+"/"+w.at("id"), nil)
	s.want(403, "permission", Guest, "DELETE", path+"/"+w.at("id"), nil)
	s.want(204, "", Sync, "DELETE", path+"/"+w.at("id"), nil)
	s.want(404, "Can not find a comment", Sync, "DELETE", path+"/"+w.at("id"), nil)
}

func TestCommentLimit(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	is := s.tn.find(key)
	for range maxComments {
		is.comments = append(is.comments, &comment{id: s.tn.next("comment"), author: is.creator, editor: is.creator, body: []byte(seenIt)})
	}
	s.want(413, "5000", Sync, "POST", "/rest/api/3/issue/"+key+"/comment", `{"body":`+seenIt+`}`)
	s.want(413, "5000", Sync, "PUT", "/rest/api/3/issue/"+key, `{"update":{"comment":[{"add":{"body":`+seenIt+`}}]}}`)
}
