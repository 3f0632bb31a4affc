package sim

import "time"

// An event is one thing that happened in the tenant, as webhooks tell it. Every write makes its events
// while the tenant's lock is held and passes them to (*Tenant).emit, which must neither block nor take
// the lock; what is delivered, and how, is the webhook file's business.
type event struct {
	Kind       string      // the webhookEvent: "jira:issue_created", "comment_updated", "worklog_created", …
	Type       string      // issue_event_type_name: "issue_created", "issue_generic", "issue_commented", …; empty where Jira sends none
	At         time.Time   // when it happened, by the tenant's clock
	Actor      *user       // who did it
	Issue      *issue      // the issue as it was right after; nothing changes it any more
	Change     *change     // what changed; nil unless jira:issue_updated
	Comment    *comment    // for comment_*; for comment_deleted the comment that is gone
	Worklog    *worklog    // for worklog_*
	Link       *link       // for issuelink_*
	Attachment *attachment // for attachment_*
	Cascade    bool        // a consequence of deleting the issue: Jira delivers these as Secondary
	Entity     string      // for issue_property_*: the property key
}

// happened emits an event about an issue, with a copy of the issue.
func (t *Tenant) happened(kind, typ string, who *user, is *issue, fill func(*event)) {
	e := event{Kind: kind, Type: typ, At: t.now(), Actor: who, Issue: is.clone()}
	if fill != nil {
		fill(&e)
	}
	t.emit(e)
}
