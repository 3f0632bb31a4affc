package jsm

import (
	"encoding/json"
	"testing"
)

func TestDecodePortal(t *testing.T) {
	const web = "https://north.example/servicedesk/customer/portal/1/SUP-7"
	for raw, want := range map[string]Portal{
		`null`: {},
		`{}`:   {},
		`{"_links":{"web":"` + web + `"},"requestType":{"id":"1"},"currentStatus":{"status":"In progress","statusDate":{"friendly":"Today"}}}`: {"In progress", web},
		`{"_links":{"web":"javascript:alert(1)"},"currentStatus":{"status":"Open"}}`:                                                           {"Open", ""},
	} {
		if got, err := DecodePortal(json.RawMessage(raw)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{`[]`, `{"currentStatus":5}`, `{"_links":{"web":{}}}`, ``} {
		if got, err := DecodePortal(json.RawMessage(raw)); err == nil {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

func FuzzDecodePortal(f *testing.F) {
	f.Add([]byte(`{"_links":{"web":"https://x.example/"},"currentStatus":{"status":"Open"}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := DecodePortal(raw)
		if err != nil && p != (Portal{}) {
			t.Errorf("%+v with %v", p, err)
		}
	})
}
