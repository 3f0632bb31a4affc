package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	maxPropertyValue = 32768 // characters
	maxPropertyKey   = 255
)

func (t *Tenant) propertyRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/issue/{key}/properties", issueProperties)
	r.add("GET", "/rest/api/{v}/issue/{key}/properties/{property}", issueProperties)
	r.add("PUT", "/rest/api/{v}/issue/{key}/properties/{property}", setIssueProperty).perItem = true
	r.add("DELETE", "/rest/api/{v}/issue/{key}/properties/{property}", deleteIssueProperty).perItem = true
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func badProperty(key string, value json.RawMessage) string {
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxPropertyKey:
		return fmt.Sprintf("The property key must be between 1 and %d characters long.", maxPropertyKey)
	case len(value) == 0 || !json.Valid(value):
		return "The property value must be valid, non-empty JSON."
	case utf8.RuneCount(value) > maxPropertyValue:
		return fmt.Sprintf("The property value cannot be longer than %d characters.", maxPropertyValue)
	}
	return ""
}

// withProps is a copy of old with the new ones in it.
func withProps(old, more map[string]json.RawMessage) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(old)+len(more))
	maps.Copy(out, old)
	maps.Copy(out, more)
	return out
}

// properties answers GET of one property, or of all keys.
func (c *call) properties(props map[string]json.RawMessage, self string) answer {
	key := c.v("property")
	if key == "" {
		keys := []any{}
		for _, k := range sortedKeys(props) {
			keys = append(keys, obj{"key": k, "self": self + "/" + k})
		}
		return ok(obj{"keys": keys})
	}
	value, has := props[key]
	if !has {
		return refuse(http.StatusNotFound, fmt.Sprintf("The property with key '%s' does not exist.", key))
	}
	return ok(obj{"key": key, "value": value})
}

// readProperty judges the body of a PUT.
func (c *call) readProperty() (string, answer, bool) {
	key := c.v("property")
	if complaint := badProperty(key, c.body); complaint != "" {
		return "", refuse(http.StatusBadRequest, complaint), false
	}
	return key, answer{}, true
}

func issueProperties(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	return c.properties(is.props, c.t.url+"/rest/api/3/issue/"+is.idText()+"/properties")
}

// setProperty writes an issue property: no history entry, no new `updated`.
func (t *Tenant) setProperty(is *issue, key string, value json.RawMessage, me *user) (fresh bool) {
	_, had := is.props[key]
	is.props = withProps(is.props, map[string]json.RawMessage{key: slices.Clone(value)})
	t.index.wrote(t, is)
	t.happened("issue_property_set", "", me, is, func(e *event) { e.Entity = key })
	return !had
}

func setIssueProperty(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	if a, may := c.mayEdit(); !may {
		return a
	}
	key, a, fine := c.readProperty()
	if !fine {
		return a
	}
	if c.t.setProperty(is, key, c.body, c.me) {
		return answer{status: http.StatusCreated}
	}
	return answer{status: http.StatusOK}
}

func deleteIssueProperty(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	if a, may := c.mayEdit(); !may {
		return a
	}
	key := c.v("property")
	if _, has := is.props[key]; !has {
		return refuse(http.StatusNotFound, fmt.Sprintf("The property with key '%s' does not exist.", key))
	}
	is.props = maps.Clone(is.props)
	delete(is.props, key)
	c.t.index.wrote(c.t, is)
	c.t.happened("issue_property_deleted", "", c.me, is, func(e *event) { e.Entity = key })
	return noContent()
}

// commentAt finds the comment of a path that names no issue.
func (c *call) commentAt() (*issue, *comment, answer, bool) {
	id, _ := strconv.ParseInt(c.v("id"), 10, 64) // 0, which no comment has, where it is no number
	is, cm := c.t.commentByID(id)
	if cm == nil || !c.t.sees(c.me, is) || !c.t.seesComment(c.me, cm) {
		return nil, nil, refuse(http.StatusNotFound, fmt.Sprintf("Can not find a comment for the id: %s.", c.v("id"))), false
	}
	c.key = is.key
	return is, cm, answer{}, true
}

func commentProperties(c *call) answer {
	_, cm, a, found := c.commentAt()
	if !found {
		return a
	}
	return c.properties(cm.props, c.t.url+"/rest/api/3/comment/"+text(cm.id)+"/properties")
}

// setCommentProperty writes a comment property; neither comment nor issue gets a new `updated`.
func setCommentProperty(c *call) answer {
	is, old, a, found := c.commentAt()
	if !found {
		return a
	}
	if old.author != c.me && !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have the permission to edit this comment.")
	}
	key, a, fine := c.readProperty()
	if !fine {
		return a
	}
	cm := *old
	cm.props = withProps(old.props, map[string]json.RawMessage{key: slices.Clone(c.body)})
	if cm.public() != old.public() && old.parent != 0 {
		return refuse(http.StatusBadRequest, "The visibility of a child comment cannot be changed.")
	}
	c.t.replaceComment(is, &cm)
	if _, had := old.props[key]; had {
		return answer{status: http.StatusOK}
	}
	return answer{status: http.StatusCreated}
}

func deleteCommentProperty(c *call) answer {
	is, old, a, found := c.commentAt()
	if !found {
		return a
	}
	if old.author != c.me && !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have the permission to edit this comment.")
	}
	key := c.v("property")
	if _, has := old.props[key]; !has {
		return refuse(http.StatusNotFound, fmt.Sprintf("The property with key '%s' does not exist.", key))
	}
	cm := *old
	cm.props = maps.Clone(old.props)
	delete(cm.props, key)
	c.t.replaceComment(is, &cm)
	return noContent()
}
