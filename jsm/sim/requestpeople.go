package sim

import (
	"fmt"
	"net/http"
	"slices"
)

func (t *Tenant) requestPeopleRoutes(r *router) {
	r.add("GET", "/rest/servicedeskapi/request/{key}/participant", func(c *call) answer {
		is, a, found := c.request()
		if !found {
			return a
		}
		return deskPage(c, c.participantBeans(is))
	})
	r.add("POST", "/rest/servicedeskapi/request/{key}/participant", changeParticipants).perItem = true
	r.add("DELETE", "/rest/servicedeskapi/request/{key}/participant", changeParticipants).perItem = true
	r.add("GET", "/rest/servicedeskapi/request/{key}/approval", listApprovals)
	r.add("GET", "/rest/servicedeskapi/request/{key}/approval/{approval}", getApproval)
	r.add("POST", "/rest/servicedeskapi/request/{key}/approval/{approval}", answerApproval).perItem = true
	r.add("GET", "/rest/servicedeskapi/request/{key}/notification", notification)
	r.add("PUT", "/rest/servicedeskapi/request/{key}/notification", notification)
	r.add("DELETE", "/rest/servicedeskapi/request/{key}/notification", notification)
	r.add("GET", "/rest/servicedeskapi/request/{key}/feedback", getFeedback)
	r.add("POST", "/rest/servicedeskapi/request/{key}/feedback", postFeedback).perItem = true
	r.add("DELETE", "/rest/servicedeskapi/request/{key}/feedback", deleteFeedback).perItem = true
}

func (c *call) participantBeans(is *issue) []any {
	out := []any{}
	for _, id := range is.list(c.t.fieldOfKind(kParticipants).id) {
		out = append(out, c.t.deskUser(c.t.people.byID[id], c.me))
	}
	return out
}

// changeParticipants adds or removes participants: all of them or none.
func changeParticipants(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	var in struct {
		AccountIDs []string `json:"accountIds"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	if len(in.AccountIDs) == 0 {
		return badRequest("sd.rest.participant.missing", "At least one account ID is required.")
	}
	ids, complaint := c.participants(in.AccountIDs)
	if complaint != "" {
		return badRequest("sd.rest.participant.invalid", complaint)
	}
	f := c.t.fieldOfKind(kParticipants)
	s := setter{t: c.t, me: c.me, proj: is.proj}
	now := s.merge(f, is.vals[f.id], ids, c.r.Method == http.MethodPost)
	c.t.record(is, c.me, c.t.put(is, map[*field]any{f: now}), "issue_updated", c.now)
	return deskPage(c, c.participantBeans(is))
}

// notification subscribes the caller, or not.
func notification(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	switch c.r.Method {
	case http.MethodGet:
		return ok(obj{"subscribed": !is.silent[c.me.id]})
	case http.MethodPut:
		delete(is.silent, c.me.id)
	case http.MethodDelete:
		if is.silent == nil {
			is.silent = map[string]bool{}
		}
		is.silent[c.me.id] = true
	}
	return noContent()
}

func getFeedback(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	if is.rating == nil {
		return refuseDesk(http.StatusNotFound, "sd.rest.feedback.not.found", "No feedback was given for this request.")
	}
	return ok(obj{"type": "csat", "rating": is.rating.stars, "comment": obj{"body": is.rating.comment}})
}

// postFeedback lets the reporter rate a request that is done; nobody else may. It is in no history and moves no
// `updated`: elsewhere it sometimes does, and nobody may rely on that.
func postFeedback(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	if is.str("reporter") != c.me.id {
		return refuseDesk(http.StatusForbidden, "sd.rest.feedback.not.reporter", "Only the reporter can give feedback.")
	}
	var in struct {
		Type    string `json:"type"`
		Rating  int    `json:"rating"`
		Comment struct {
			Body string `json:"body"`
		} `json:"comment"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	switch {
	case in.Type != "csat":
		return badRequest("sd.rest.feedback.type", "The feedback type must be csat.")
	case in.Rating < 1 || in.Rating > 5:
		return badRequest("sd.rest.feedback.rating", fmt.Sprintf("The rating %d is not between 1 and 5.", in.Rating))
	case c.t.status(is.str("status")).category != "done":
		return badRequest("sd.rest.feedback.open", "Feedback can be given when the request is resolved.")
	}
	is.rating = &rating{stars: in.Rating, comment: in.Comment.Body, at: c.now}
	c.t.index.wrote(c.t, is)
	return created(obj{"type": "csat", "rating": in.Rating, "comment": obj{"body": in.Comment.Body}})
}

func deleteFeedback(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	if is.str("reporter") != c.me.id {
		return refuseDesk(http.StatusForbidden, "sd.rest.feedback.not.reporter", "Only the reporter can take feedback back.")
	}
	is.rating = nil
	c.t.index.wrote(c.t, is)
	return noContent()
}

// removed gives the list without some values.
func removed(list, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return slices.Contains(gone, x) })
}
