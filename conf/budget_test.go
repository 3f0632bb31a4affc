package conf

import (
	"strings"
	"testing"
)

func TestBudget(t *testing.T) {
	const head = "name = \"north\"\nlisten = \"127.0.0.1:7843\"\n[tenant]\nurl = \"https://acme.atlassian.net\"\nuser = \"a@b.example\"\ntoken_env = \"T\"\n"
	for _, c := range []struct {
		text, complaint string
		points          int
	}{
		{"", "", 0},
		{"[budget]\n", "", 0},
		{"[budget]\npoints_per_hour = 65000\n", "", 65000},
		{"[budget]\npoints_per_hour = 10\n", "parley.toml:8:", 0},
		{"[budget]\npoints_per_hour = -1\n", "out of range", 0},
		{"[budget]\npoints_per_hour = \"many\"\n", "whole number", 0},
		{"[budget]\npoints = 65000\n", "points", 0},
	} {
		n, err := ParseNode("parley.toml", []byte(head+c.text))
		switch {
		case c.complaint != "":
			if err == nil || !strings.Contains(err.Error(), c.complaint) {
				t.Errorf("%q: %v", c.text, err)
			}
		case err != nil:
			t.Errorf("%q: %v", c.text, err)
		case n.Budget.PointsPerHour != c.points:
			t.Errorf("%q: %+v", c.text, n.Budget)
		}
	}
	n := DefaultNode()
	n.Name, n.Listen, n.Tenant.URL, n.Tenant.User, n.Tenant.TokenEnv, n.Budget.PointsPerHour = "north", "127.0.0.1:7843", "https://acme.atlassian.net", "a@b.example", "T", 5000
	back, err := ParseNode("parley.toml", []byte(NodeText(n)))
	if err != nil || back.Budget != n.Budget {
		t.Errorf("%+v, %v", back, err)
	}
}
