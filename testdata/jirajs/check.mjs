// Drives a running simulated tenant with jira.js, an independent Jira client, with its schema checks set to
// throw: whatever the tenant answers must have the shape that jira.js knows from Jira Cloud.
//
//   node check.mjs URL PROJECT ACCOUNTS   ACCOUNTS: JSON list of {email, token, role, accountId}
//
// Prints one JSON document {ok, checks:[{what, ok, detail?}]} and exits 0 where every check held.

import { createCloudClient } from 'jira.js';
import { as, check, config, doc, must, project, refused, report, words } from './harness.mjs';

const sync = as('sync');
const agent = as('agent');
const customer = as('customer');
const approver = as('approver');
const admin = as('admin');

// --- who and what is there -------------------------------------------------------------------------------
await check('server info', async () => {
  const info = await sync.jira.serverInfo.getServerInfo();
  must(info.deploymentType === 'Cloud', `deploymentType is ${info.deploymentType}`);
});
await check('myself', async () => {
  const me = await sync.jira.myself.getCurrentUser({});
  must(me.accountId === sync.who.accountId, 'another account');
  must(me.timeZone, 'no time zone');
});
await check('my permissions', async () => {
  const { permissions } = await sync.jira.permissions.getMyPermissions({ projectKey: project, permissions: 'BROWSE_PROJECTS,EDIT_ISSUES,ADD_COMMENTS' });
  must(permissions.BROWSE_PROJECTS.havePermission === true, 'may not browse');
});
await check('find a user', async () => {
  const found = await sync.jira.userSearch.findUsers({ query: agent.who.email });
  must(found.some(u => u.accountId === agent.who.accountId), 'the agent is not found');
});
await check('assignable users', () => sync.jira.userSearch.findAssignableUsers({ project }));
await check('a user', () => sync.jira.users.getUser({ accountId: agent.who.accountId }));
await check('the project', async () => {
  const p = await sync.jira.projects.getProject({ projectIdOrKey: project });
  must(p.key === project, `key is ${p.key}`);
});
await check('projects', () => sync.jira.projects.searchProjects({}));
await check('statuses of the project', () => sync.jira.projects.getAllStatuses({ projectIdOrKey: project }));
await check('components', () => sync.jira.projectComponents.getProjectComponents({ projectIdOrKey: project }));
await check('versions', () => sync.jira.projectVersions.getProjectVersions({ projectIdOrKey: project }));
const priorities = await check('priorities', async () => (await sync.jira.issuePriorities.searchPriorities({})).values);
const fields = await check('fields', async () => {
  const all = await sync.jira.issueFields.getFields();
  must(all.some(f => f.id === 'summary') && all.some(f => f.custom), 'system and custom fields');
  return all;
});
const custom = suffix => (fields ?? []).find(f => f.schema?.custom?.endsWith(`:${suffix}`));

// --- the desk --------------------------------------------------------------------------------------------
await check('desk info', () => sync.desk.info.getInfo());
const deskOf = await check('service desks', async () => {
  const { values } = await sync.desk.servicedesk.getServiceDesks({});
  const found = values.find(d => d.projectKey === project);
  must(found, `no desk of ${project}`);
  return found;
});
const serviceDeskId = String(deskOf?.id);
await check('the service desk', () => sync.desk.servicedesk.getServiceDeskById({ serviceDeskId }));
const requestTypes = await check('request types', async () => (await sync.desk.servicedesk.getRequestTypes({ serviceDeskId })).values);
const forms = [];
for (const rt of requestTypes ?? []) {
  await check(`form of request type ${rt.name}`, async () => {
    const form = await sync.desk.servicedesk.getRequestTypeFields({ serviceDeskId, requestTypeId: Number(rt.id) });
    must(form.requestTypeFields.some(f => f.fieldId === 'summary'), 'no summary on the form');
    forms.push({ rt, form });
  });
}
await check('one request type', () => sync.desk.servicedesk.getRequestTypeById({ serviceDeskId, requestTypeId: Number(requestTypes[0].id) }));

// --- create ----------------------------------------------------------------------------------------------
// Values for whatever a form requires, by the shape that it shows.
function answerForm(form) {
  const values = {};
  for (const f of form.requestTypeFields) {
    if (!f.required || f.fieldId === 'summary') continue;
    const type = f.jiraSchema?.type;
    if (f.validValues?.length) values[f.fieldId] = type === 'array' ? [{ id: f.validValues[0].value }] : { id: f.validValues[0].value };
    else if (type === 'user') values[f.fieldId] = { accountId: approver.who.accountId };
    else if (type === 'array' && f.jiraSchema.items === 'user') values[f.fieldId] = [{ accountId: approver.who.accountId }];
    else if (type === 'number') values[f.fieldId] = 1;
    else if (type === 'date') values[f.fieldId] = '2026-11-22';
    else if (type === 'datetime') values[f.fieldId] = '2026-11-22T10:00:00.000+0000';
    else values[f.fieldId] = 'required text';
  }
  return values;
}
const plain = forms.find(({ form }) => !form.requestTypeFields.some(f => f.required && f.jiraSchema?.items === 'user')) ?? forms[0];
const created = await check('create a request on behalf of a customer', async () => {
  const rq = await sync.desk.request.createCustomerRequest({
    serviceDeskId,
    requestTypeId: String(plain.rt.id),
    requestFieldValues: { ...answerForm(plain.form), summary: 'Printer on fire', description: 'It *burns*.' },
    raiseOnBehalfOf: customer.who.accountId,
  });
  must(rq.issueKey?.startsWith(`${project}-`), `key is ${rq.issueKey}`);
  must(rq.reporter.accountId === customer.who.accountId, 'the reporter is not the customer');
  return rq;
});
const issueIdOrKey = created?.issueKey;
const issueId = created?.issueId;
await check('a customer raises a request', () =>
  customer.desk.request.createCustomerRequest({
    serviceDeskId,
    requestTypeId: String(plain.rt.id),
    requestFieldValues: { ...answerForm(plain.form), summary: 'My own request' },
  }));
await check('an unknown form field is refused', () => refused(400, () =>
  sync.desk.request.createCustomerRequest({
    serviceDeskId, requestTypeId: String(plain.rt.id), requestFieldValues: { summary: 'x', customfield_99999: 'y' },
  })));

// --- read ------------------------------------------------------------------------------------------------
await check('the issue', async () => {
  const is = await sync.jira.issues.getIssue({ issueIdOrKey, expand: ['changelog', 'names', 'schema', 'transitions', 'editmeta', 'renderedFields'] });
  must(is.id === String(issueId) && is.key === issueIdOrKey, 'another issue');
  must(is.fields.description?.type === 'doc', 'the description is no document');
  must(words(is.fields.description).includes('"strong"'), 'wiki bold was not read');
});
await check('the request', () => sync.desk.request.getCustomerRequestByIdOrKey({
  issueIdOrKey, expand: ['participant', 'status', 'sla', 'requestType', 'serviceDesk', 'action'] }));
await check('requests of the customer', async () => {
  const { values } = await customer.desk.request.getCustomerRequests({ requestOwnership: ['OWNED_REQUESTS'], requestStatus: 'OPEN_REQUESTS' });
  must(values.some(r => r.issueKey === issueIdOrKey), 'the request is missing');
});
await check('status history of the request', () => sync.desk.request.getCustomerRequestStatus({ issueIdOrKey }));
await check('search, page by page', async () => {
  let nextPageToken;
  let found = false;
  for (let pages = 0; pages < 50; pages += 1) {
    const page = await sync.jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({
      jql: `project = ${project} ORDER BY updated ASC, key ASC`, maxResults: 1, fields: ['summary', 'status', 'updated'], nextPageToken });
    found ||= page.issues.some(i => i.key === issueIdOrKey);
    nextPageToken = page.nextPageToken;
    if (page.isLast || !nextPageToken) break;
  }
  must(found, 'the issue is not found');
});
await check('search by GET', () => sync.jira.issueSearch.searchAndReconsileIssuesUsingJql({ jql: `key = ${issueIdOrKey}`, fields: ['*all'], expand: 'names' }));
await check('an unbounded search is refused', () => refused(400, () =>
  sync.jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: 'ORDER BY created' })));
await check('count', async () => {
  const { count } = await sync.jira.issueSearch.countIssues({ jql: `project = ${project}` });
  must(count >= 2, `count is ${count}`);
});
await check('match', async () => {
  const { matches } = await sync.jira.issueSearch.matchIssues({ issueIds: [Number(issueId)], jqls: [`project = ${project}`, 'status = Nowhere'] });
  must(matches[0].matchedIssues.includes(Number(issueId)), 'no match');
  must(matches[1].errors?.length === 1 || matches[1].matchedIssues.length === 0, 'the second query');
});
await check('parse JQL', async () => {
  const { queries } = await sync.jira.jql.parseJqlQueries({ queries: [`project = ${project} AND labels = vpn`, 'project ='], validation: 'strict' });
  must(queries[0].structure && queries[1].errors?.length, 'verdicts');
});
await check('bulk fetch', async () => {
  const { issues } = await sync.jira.issues.bulkFetchIssues({ issueIdsOrKeys: [String(issueId), '1'], fields: ['*all'], expand: ['changelog'], properties: ['parley'] });
  must(issues.length === 1, `${issues.length} issues`);
});
await check('changelog', () => sync.jira.issues.getChangeLogs({ issueIdOrKey }));
await check('bulk changelog', () => sync.jira.issues.getBulkChangelogs({ issueIdsOrKeys: [issueIdOrKey] }));
await check('edit metadata', () => sync.jira.issues.getEditIssueMeta({ issueIdOrKey }));
await check('create metadata', async () => {
  const { issueTypes } = await sync.jira.issues.getCreateIssueMetaIssueTypes({ projectIdOrKey: project });
  await sync.jira.issues.getCreateIssueMetaIssueTypeId({ projectIdOrKey: project, issueTypeId: String(issueTypes[0].id) });
});
await check('a missing issue is 404', () => refused(404, () => sync.jira.issues.getIssue({ issueIdOrKey: `${project}-999999` })));

// --- edit ------------------------------------------------------------------------------------------------
const values = {};
const put = (suffix, value) => {
  const f = custom(suffix);
  if (f) values[f.id] = value;
};
put('textfield', 'ACME-77');
put('textarea', doc('Several', 'lines'));
put('float', 2.5);
put('datepicker', '2026-12-24');
put('datetime', '2026-12-24T18:00:00.000+0100');
put('url', 'https://example.com/a?b=c');
put('userpicker', { accountId: agent.who.accountId });
put('multiuserpicker', [{ accountId: agent.who.accountId }]);
await check('edit fields of every kind', async () => {
  const meta = await sync.jira.issues.getEditIssueMeta({ issueIdOrKey });
  for (const [id, f] of Object.entries(meta.fields ?? {})) {
    const first = f.allowedValues?.[0];
    const kind = f.schema?.custom?.split(':')[1];
    if (kind === 'select' || kind === 'radiobuttons') values[id] = { id: first.id };
    if (kind === 'multiselect' || kind === 'multicheckboxes') values[id] = [{ id: first.id }];
    if (kind === 'cascadingselect') values[id] = { id: first.id, child: { id: first.children[0].id } };
  }
  for (const id of Object.keys(values)) if (!meta.fields[id]) delete values[id];
  await sync.jira.issues.editIssue({
    issueIdOrKey,
    fields: { ...values, summary: 'Printer still on fire', description: doc('Now', 'more smoke'), priority: { id: priorities[0].id },
      assignee: { accountId: agent.who.accountId }, duedate: '2026-12-01' },
    update: { labels: [{ add: 'vpn' }, { add: 'fire' }] },
  });
  const is = await sync.jira.issues.getIssue({ issueIdOrKey });
  must(is.fields.summary === 'Printer still on fire', 'summary');
  must(is.fields.assignee.accountId === agent.who.accountId, 'assignee');
  must(['fire', 'vpn'].every(l => is.fields.labels.includes(l)), 'labels');
  for (const id of Object.keys(values)) must(is.fields[id] !== null && is.fields[id] !== undefined, `${id} has no value`);
});
await check('an edit answers with the issue where asked', async () => {
  const is = await sync.jira.issues.editIssue({ issueIdOrKey, returnIssue: true, expand: 'changelog', update: { labels: [{ remove: 'fire' }] } });
  must(is?.fields && !is.fields.labels.includes('fire'), 'labels');
});
await check('an unknown field fails the whole edit', async () => {
  await refused(400, () => sync.jira.issues.editIssue({ issueIdOrKey, fields: { summary: 'never', customfield_99999: 'x' } }));
  const is = await sync.jira.issues.getIssue({ issueIdOrKey, fields: ['summary'] });
  must(is.fields.summary !== 'never', 'half of the edit was done');
});
await check('an invalid document is refused', () => refused(400, () => sync.jira.issues.editIssue({
  issueIdOrKey, fields: { description: { version: 1, type: 'doc', content: [{ type: 'nonsense' }] } } })));

// --- comments --------------------------------------------------------------------------------------------
const publicOne = await check('a public comment is public by default', async () => {
  const c = await sync.jira.issueComments.addComment({ issueIdOrKey, body: doc('Hello customer'), properties: [{ key: 'parley', value: { origin: 'x' } }] });
  must(c.jsdPublic === true, 'jsdPublic');
  return c;
});
const note = await check('an internal note by property', async () => {
  const c = await sync.jira.issueComments.addComment({ issueIdOrKey, body: doc('Secret among us'),
    properties: [{ key: 'sd.public.comment', value: { internal: true } }] });
  must(c.jsdPublic === false, 'jsdPublic');
  return c;
});
await check('an internal note by servicedeskapi', async () => {
  const c = await agent.desk.request.createRequestComment({ issueIdOrKey, body: 'Another *secret*', public: false });
  must(c.public === false, 'public');
});
await check('a comment in wiki markup by v2', async () => {
  const c = await sync.jira.issueComments.addComment({ issueIdOrKey, body: 'Wiki *bold* {{code}}' });
  must(words(c.body).includes('strong'), 'the markup was not read');
});
await check('comments', async () => {
  const { comments } = await sync.jira.issueComments.getComments({ issueIdOrKey, orderBy: 'created', expand: 'renderedBody' });
  must(comments.length === 4, `${comments.length} comments`);
});
await check('comments by id', async () => {
  const { values: list } = await sync.jira.issueComments.getCommentsByIds({ ids: [Number(publicOne.id), Number(note.id)], expand: 'properties' });
  must(list.length === 2, `${list.length} comments`);
  must(words(list).includes('sd.public.comment'), 'the property is missing');
});
await check('one comment', () => sync.jira.issueComments.getComment({ issueIdOrKey, id: publicOne.id }));
await check('editing keeps the visibility', async () => {
  const c = await sync.jira.issueComments.updateComment({ issueIdOrKey, id: note.id, body: { body: doc('Secret, edited') } });
  must(c.jsdPublic === false, 'the note became public');
});
await check('the customer sees only what is public', async () => {
  const { values: seen } = await customer.desk.request.getRequestComments({ issueIdOrKey });
  must(seen.length === 2 && seen.every(c => c.public === true), words(seen));
  must(!words(seen).includes('ecret'), 'a note leaked');
});
await check('comments by servicedeskapi', async () => {
  const { values: seen } = await agent.desk.request.getRequestComments({ issueIdOrKey, public: false, internal: true, expand: ['renderedBody'] });
  must(seen.length === 2 && seen.every(c => c.public === false), words(seen));
});
await check('one comment by servicedeskapi', () => agent.desk.request.getRequestCommentById({ issueIdOrKey, commentId: Number(publicOne.id) }));
await check('comment properties', async () => {
  await sync.jira.issueCommentProperties.setCommentProperty({ commentId: publicOne.id, propertyKey: 'parley', body: { rev: 2 } });
  const p = await sync.jira.issueCommentProperties.getCommentProperty({ commentId: publicOne.id, propertyKey: 'parley' });
  must(p.value.rev === 2, words(p));
  await sync.jira.issueCommentProperties.getCommentPropertyKeys({ commentId: publicOne.id });
});
await check('delete a comment', async () => {
  await sync.jira.issueComments.deleteComment({ issueIdOrKey, id: publicOne.id });
  await refused(404, () => sync.jira.issueComments.getComment({ issueIdOrKey, id: publicOne.id }));
});

// --- properties, links, work -----------------------------------------------------------------------------
await check('issue properties', async () => {
  await sync.jira.issueProperties.setIssueProperty({ issueIdOrKey, propertyKey: 'parley', body: { link: 'abc' } });
  const p = await sync.jira.issueProperties.getIssueProperty({ issueIdOrKey, propertyKey: 'parley' });
  must(p.value.link === 'abc', words(p));
  await sync.jira.issueProperties.getIssuePropertyKeys({ issueIdOrKey });
  await sync.jira.issueProperties.deleteIssueProperty({ issueIdOrKey, propertyKey: 'parley' });
});
await check('remote links are upserts', async () => {
  const link = title => sync.jira.issueRemoteLinks.createOrUpdateRemoteIssueLink({ issueIdOrKey, globalId: 'parley=1', object: { url: 'https://example.com/1', title } });
  const first = await link('one');
  const second = await link('two');
  must(first.id === second.id, 'two links');
  await sync.jira.issueRemoteLinks.getRemoteIssueLinks({ issueIdOrKey });
});
await check('issue links', async () => {
  const other = await sync.jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: `project = ${project} AND key != ${issueIdOrKey}`, maxResults: 1, fields: ['summary'] });
  const { issueLinkTypes } = await sync.jira.issueLinkTypes.getIssueLinkTypes();
  await sync.jira.issueLinks.linkIssues({ type: { name: issueLinkTypes[0].name }, inwardIssue: { key: issueIdOrKey }, outwardIssue: { key: other.issues[0].key } });
  const is = await sync.jira.issues.getIssue({ issueIdOrKey, fields: ['issuelinks'] });
  must(is.fields.issuelinks.length === 1, 'no link');
  await sync.jira.issueLinks.getIssueLink({ linkId: is.fields.issuelinks[0].id });
});
await check('worklogs', async () => {
  await sync.jira.issueWorklogs.addWorklog({ issueIdOrKey, timeSpentSeconds: 1200, started: '2026-11-22T09:00:00.000+0000', comment: doc('looked'), adjustEstimate: 'leave' });
  const { worklogs } = await sync.jira.issueWorklogs.getIssueWorklog({ issueIdOrKey });
  must(worklogs.length === 1, `${worklogs.length} worklogs`);
});

// --- people of the request -------------------------------------------------------------------------------
await check('participants', async () => {
  await agent.desk.request.addRequestParticipants({ issueIdOrKey, accountIds: [agent.who.accountId] });
  const { values: people } = await agent.desk.request.getRequestParticipants({ issueIdOrKey });
  must(people.some(p => p.accountId === agent.who.accountId), words(people));
  await agent.desk.request.removeRequestParticipants({ issueIdOrKey, accountIds: [agent.who.accountId] });
});
await check('organizations', async () => {
  const org = await admin.desk.organization.createOrganization({ name: 'Initech' });
  const again = await admin.desk.organization.createOrganization({ name: 'Initech' });
  must(org.id === again.id, 'the same name made another organization');
  await admin.desk.organization.addOrganization({ serviceDeskId, body: { organizationId: Number(org.id) } });
  await admin.desk.organization.addUsersToOrganization({ organizationId: Number(org.id), body: { accountIds: [customer.who.accountId] } });
  const { values: all } = await agent.desk.organization.getOrganizations({});
  must(all.some(o => o.name === 'Initech'), 'not listed');
  await agent.desk.organization.getOrganization({ organizationId: Number(org.id) });
  await agent.desk.organization.getServiceDeskOrganizations({ serviceDeskId });
  await agent.desk.organization.getUsersInOrganization({ organizationId: Number(org.id) });
  const f = custom('sd-customer-organizations');
  await sync.jira.issues.editIssue({ issueIdOrKey, fields: { [f.id]: [Number(org.id)] } });
  const is = await sync.jira.issues.getIssue({ issueIdOrKey, fields: [f.id] });
  must(is.fields[f.id]?.[0]?.name === 'Initech', words(is.fields));
});
await check('notifications', async () => {
  await agent.desk.request.getSubscriptionStatus({ issueIdOrKey });
  await agent.desk.request.subscribe({ issueIdOrKey });
  await agent.desk.request.unsubscribe({ issueIdOrKey });
});

// --- queues and SLA --------------------------------------------------------------------------------------
await check('queues', async () => {
  const { values: queues } = await agent.desk.servicedesk.getQueues({ serviceDeskId, includeCount: true });
  must(queues.length > 0, 'no queue');
  await agent.desk.servicedesk.getQueue({ serviceDeskId, queueId: Number(queues[0].id), includeCount: true });
  for (const q of queues) await agent.desk.servicedesk.getIssuesInQueue({ serviceDeskId, queueId: Number(q.id) });
});
await check('service level agreements', async () => {
  const { values: slas } = await agent.desk.request.getSlaInformation({ issueIdOrKey });
  must(slas.length > 0, 'no SLA');
  await agent.desk.request.getSlaInformationById({ issueIdOrKey, slaMetricId: Number(slas[0].id) });
});

// --- transitions and approvals ---------------------------------------------------------------------------
await check('customer transitions', () => agent.desk.request.getCustomerTransitions({ issueIdOrKey }));
await check('a transition that does not exist is refused', () => refused(400, () => agent.jira.issues.doTransition({ issueIdOrKey, transition: { id: '99999' } })));
await check('the way to done', async () => {
  const tried = new Set();
  for (let step = 0; step < 12; step += 1) {
    const is = await agent.jira.issues.getIssue({ issueIdOrKey, fields: ['status'] });
    if (is.fields.status.statusCategory.key === 'done') return;
    const { transitions } = await agent.jira.issues.getTransitions({ issueIdOrKey, expand: 'transitions.fields' });
    const next = transitions.find(t => t.to.statusCategory.key === 'done') ?? transitions.find(t => !tried.has(t.to.id));
    must(next, `no way from ${is.fields.status.name}`);
    tried.add(next.to.id);
    const resolution = next.fields?.resolution;
    await agent.jira.issues.doTransition({ issueIdOrKey, transition: { id: next.id },
      ...(resolution ? { fields: { resolution: { id: resolution.allowedValues[0].id } } } : {}) });
  }
  throw new Error('never done');
});
await check('an approval is answered by its approver, once', async () => {
  const byField = (fields ?? []).filter(f => f.schema?.type === 'array' && f.schema?.items === 'user' && f.custom);
  let key;
  let approvals = [];
  for (const { rt, form } of forms) {
    const asked = answerForm(form);
    for (const f of form.requestTypeFields) if (byField.some(b => b.id === f.fieldId)) asked[f.fieldId] = [{ accountId: approver.who.accountId }];
    const rq = await sync.desk.request.createCustomerRequest({ serviceDeskId, requestTypeId: String(rt.id), requestFieldValues: { ...asked, summary: `Approve ${rt.name}` } });
    const { fields: editable } = await sync.jira.issues.getEditIssueMeta({ issueIdOrKey: rq.issueKey });
    const set = {};
    for (const f of byField) if (editable[f.id] && !f.schema.custom.includes('participants')) set[f.id] = [{ accountId: approver.who.accountId }];
    if (Object.keys(set).length) await sync.jira.issues.editIssue({ issueIdOrKey: rq.issueKey, fields: set });
    for (let step = 0; step < 4 && !approvals.length; step += 1) {
      approvals = (await agent.desk.request.getApprovals({ issueIdOrKey: rq.issueKey })).values;
      if (approvals.length) break;
      const { transitions } = await agent.jira.issues.getTransitions({ issueIdOrKey: rq.issueKey });
      const next = transitions.find(t => /approv/i.test(t.to.name)) ?? transitions.find(t => t.to.statusCategory.key !== 'done');
      if (!next) break;
      await agent.jira.issues.doTransition({ issueIdOrKey: rq.issueKey, transition: { id: next.id } });
    }
    if (approvals.length) { key = rq.issueKey; break; }
  }
  must(key, 'no request type leads to an approval');
  const approvalId = Number(approvals[0].id);
  await agent.desk.request.getApprovalById({ issueIdOrKey: key, approvalId });
  await refused(403, () => agent.desk.request.answerApproval({ issueIdOrKey: key, approvalId, decision: 'approve' }));
  const done = await approver.desk.request.answerApproval({ issueIdOrKey: key, approvalId, decision: 'approve' });
  must(done.finalDecision === 'approved', `decision is ${done.finalDecision}`);
  await refused(409, () => approver.desk.request.answerApproval({ issueIdOrKey: key, approvalId, decision: 'approve' }));
});

// --- the platform's own create and delete ----------------------------------------------------------------
await check('create and delete an issue by the platform', async () => {
  const { issueTypes } = await sync.jira.issues.getCreateIssueMetaIssueTypes({ projectIdOrKey: project });
  const made = await sync.jira.issues.createIssue({ fields: { project: { key: project }, issuetype: { id: issueTypes[0].id }, summary: 'By the platform', description: doc('x') },
    properties: [{ key: 'parley', value: { nonce: 1 } }] });
  const p = await sync.jira.issueProperties.getIssueProperty({ issueIdOrKey: made.key, propertyKey: 'parley' });
  must(p.value.nonce === 1, 'the property did not come with the issue');
  await admin.jira.issues.deleteIssue({ issueIdOrKey: made.key });
  await refused(404, () => sync.jira.issues.getIssue({ issueIdOrKey: made.key }));
});
await check('a wrong token is refused', () => refused(401, () =>
  createCloudClient({ ...config(sync.who), auth: { type: 'basic', email: sync.who.email, apiToken: 'wrong' } }).myself.getCurrentUser({})));

await report();
