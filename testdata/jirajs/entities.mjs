// Drives a running simulated tenant with jira.js through what hangs on a ticket: files, watchers, work, links, levels,
// parts, approvals' people and stars. Schema checks are set to throw.
//
//   node entities.mjs URL PROJECT ACCOUNTS   as check.mjs
//
// Prints one JSON document {ok, checks:[{what, ok, detail?}]} and exits 0 where every check held.

import { as, check, doc, must, project, refused, report, words } from './harness.mjs';

const sync = as('sync');
const agent = as('agent');
const customer = as('customer');
const admin = as('admin');
const text = async buffer => new TextDecoder().decode(await buffer);

const { values: desks } = await sync.desk.servicedesk.getServiceDesks({});
const serviceDeskId = String(desks.find(d => d.projectKey === project).id);

const key = await check('a request of the customer', async () => {
  const { values: types } = await sync.desk.servicedesk.getRequestTypes({ serviceDeskId });
  for (const rt of types) {
    const { requestTypeFields } = await sync.desk.servicedesk.getRequestTypeFields({ serviceDeskId, requestTypeId: Number(rt.id) });
    if (requestTypeFields.some(f => f.required && f.fieldId !== 'summary')) continue;
    const rq = await sync.desk.request.createCustomerRequest({ serviceDeskId, requestTypeId: String(rt.id), requestFieldValues: { summary: 'Entities' },
      raiseOnBehalfOf: customer.who.accountId });
    return rq.issueKey;
  }
  throw new Error('no request type asks for a summary only');
});
const issueIdOrKey = key;

// --- files -----------------------------------------------------------------------------------------------
const file = await check('attach to an issue', async () => {
  const added = await sync.jira.issueAttachments.addAttachment({ issueIdOrKey, attachments: [
    { filename: 'notes.txt', content: 'first words' }, { filename: 'notes.txt', content: 'other words' }] });
  must(added.length === 2 && added[0].id !== added[1].id && added[0].filename === added[1].filename, words(added));
  return added[0];
});
await check('attachment settings', async () => {
  const meta = await sync.jira.issueAttachments.getAttachmentMeta();
  must(meta.enabled && meta.uploadLimit > 0, words(meta));
});
await check('attachment metadata has a number as id', async () => {
  const meta = await sync.jira.issueAttachments.getAttachment({ id: file.id });
  must(meta.id === Number(file.id) && meta.size === 11 && meta.mimeType === 'text/plain', words(meta));
});
await check('content by the redirect to another host', async () => {
  const got = await text(sync.jira.issueAttachments.getAttachmentContent({ id: file.id }));
  must(got === 'first words', got);
});
await check('content without redirect', async () => {
  const got = await text(sync.jira.issueAttachments.getAttachmentContent({ id: file.id, redirect: false }));
  must(got === 'first words', got);
});
await check('attachments inside of the issue', async () => {
  const is = await sync.jira.issues.getIssue({ issueIdOrKey, fields: ['attachment'], expand: ['changelog'] });
  must(is.fields.attachment.length === 2 && words(is.changelog).includes('notes.txt'), words(is.fields));
});
await check('delete an attachment', async () => {
  await sync.jira.issueAttachments.removeAttachment({ id: file.id });
  await refused(404, () => sync.jira.issueAttachments.getAttachment({ id: file.id }));
});
await check('the portal shows what a public comment names, and nothing else', async () => {
  const list = await customer.desk.request.getAttachmentsForRequest({ issueIdOrKey });
  must(list.values.length === 0, words(list));
});
await check('an upload without the header against foreign forms is refused', async () => {
  const body = new FormData();
  body.append('file', new Blob(['x']), 'x.txt');
  const auth = 'Basic ' + btoa(`${sync.who.email}:${sync.who.token}`);
  const answer = await fetch(`${process.argv[2]}/rest/api/3/issue/${key}/attachments`, { method: 'POST', body, headers: { Authorization: auth } });
  must(answer.status === 403, `status ${answer.status}`);
});
await check('the media host refuses credentials', async () => {
  const auth = 'Basic ' + btoa(`${sync.who.email}:${sync.who.token}`);
  const { attachment } = (await sync.jira.issues.getIssue({ issueIdOrKey, fields: ['attachment'] })).fields;
  const away = await fetch(attachment[0].content, { headers: { Authorization: auth }, redirect: 'manual' });
  must(away.status === 303, `status ${away.status}`);
  const place = away.headers.get('location');
  must(new URL(place).host !== new URL(process.argv[2]).host, place);
  must((await fetch(place, { headers: { Authorization: auth } })).status === 401, 'credentials were taken');
  const part = await fetch(place, { headers: { Range: 'bytes=6-' } });
  must(part.status === 206 && await part.text() === 'words', `status ${part.status}`);
});
await check('a temporary file becomes an attachment with a comment, once', async () => {
  const body = new FormData();
  body.append('file', new Blob(['picture'], { type: 'image/png' }), 'screen.png');
  const auth = 'Basic ' + btoa(`${customer.who.email}:${customer.who.token}`);
  const up = await fetch(`${process.argv[2]}/rest/servicedeskapi/servicedesk/${serviceDeskId}/attachTemporaryFile`,
    { method: 'POST', body, headers: { Authorization: auth, 'X-Atlassian-Token': 'no-check' } });
  const { temporaryAttachments } = await up.json();
  const temporaryAttachmentIds = temporaryAttachments.map(t => t.temporaryAttachmentId);
  const made = await customer.desk.request.createCommentWithAttachment({ issueIdOrKey, temporaryAttachmentIds, public: true, additionalComment: { body: 'See' } });
  must(made.comment.body.includes('!screen.png|') && made.attachments.values.length === 1, words(made));
  await refused(400, () => customer.desk.request.createCommentWithAttachment({ issueIdOrKey, temporaryAttachmentIds, public: true }));
  const { values } = await customer.desk.request.getAttachmentsForRequest({ issueIdOrKey });
  must(values.length === 1 && values[0].filename === 'screen.png', words(values));
});

// --- people ----------------------------------------------------------------------------------------------
await check('watchers', async () => {
  await sync.jira.issueWatchers.addWatcher({ issueIdOrKey, body: agent.who.accountId });
  const seen = await agent.jira.issueWatchers.getIssueWatchers({ issueIdOrKey });
  must(seen.watchCount === 1 && seen.isWatching && seen.watchers[0].accountId === agent.who.accountId, words(seen));
  await sync.jira.issueWatchers.removeWatcher({ issueIdOrKey, accountId: agent.who.accountId });
  must((await sync.jira.issueWatchers.getIssueWatchers({ issueIdOrKey })).watchCount === 0, 'still watching');
});

// --- work, links, levels, parts --------------------------------------------------------------------------
await check('work logs, kept to a group, edited and deleted', async () => {
  const { groups } = await sync.jira.groups.findGroups({});
  const made = await sync.jira.issueWorklogs.addWorklog({ issueIdOrKey, timeSpentSeconds: 600, comment: doc('x'), adjustEstimate: 'leave',
    visibility: { type: 'group', value: groups[0].name } });
  must(made.visibility.value === groups[0].name, words(made));
  await sync.jira.issueWorklogs.updateWorklog({ issueIdOrKey, id: made.id, body: { timeSpentSeconds: 1200 } });
  await sync.jira.issueWorklogs.deleteWorklog({ issueIdOrKey, id: made.id });
  await sync.jira.issueWorklogs.getIdsOfWorklogsDeletedSince({ since: 0 });
});
await check('a web link is replaced by its id', async () => {
  const object = { url: 'https://example.com/1', title: 'One' };
  const { id } = await sync.jira.issueRemoteLinks.createOrUpdateRemoteIssueLink({ issueIdOrKey, globalId: 'g=1', object });
  await sync.jira.issueRemoteLinks.updateRemoteIssueLink({ issueIdOrKey, linkId: String(id), globalId: 'g=1', object: { ...object, title: 'Two' } });
  const link = await sync.jira.issueRemoteLinks.getRemoteIssueLinkById({ issueIdOrKey, linkId: String(id) });
  must(link.object.title === 'Two', words(link));
});
await check('a sub-task and its parent', async () => {
  const { issueTypes } = await sync.jira.issues.getCreateIssueMetaIssueTypes({ projectIdOrKey: project });
  const kind = issueTypes.find(t => t.subtask);
  await refused(400, () => sync.jira.issues.createIssue({ fields: { project: { key: project }, issuetype: { id: kind.id }, summary: 'Part' } }));
  const part = await sync.jira.issues.createIssue({ fields: { project: { key: project }, issuetype: { id: kind.id }, summary: 'Part', parent: { key } } });
  const is = await sync.jira.issues.getIssue({ issueIdOrKey, fields: ['subtasks'] });
  must(is.fields.subtasks[0].key === part.key, words(is.fields));
});
await check('a security level hides the request from its customer', async () => {
  const { security } = (await sync.jira.issues.getEditIssueMeta({ issueIdOrKey })).fields;
  await sync.jira.issues.editIssue({ issueIdOrKey, fields: { security: { id: security.allowedValues[0].id } } });
  await refused(404, () => customer.desk.request.getCustomerRequestByIdOrKey({ issueIdOrKey }));
  await sync.jira.issues.editIssue({ issueIdOrKey, fields: { security: null } });
  await customer.desk.request.getCustomerRequestByIdOrKey({ issueIdOrKey });
});

// --- lists that an administrator may add to --------------------------------------------------------------
await check('a version and a component are an administrator\'s to make', async () => {
  const projectId = Number((await sync.jira.projects.getProject({ projectIdOrKey: project })).id);
  const made = await admin.jira.projectVersions.createVersion({ name: 'Brand new', projectId });
  must(made.name === 'Brand new' && made.id, words(made));
  await refused(404, () => sync.jira.projectVersions.createVersion({ name: 'Newer', projectId }));
  await admin.jira.projectComponents.createComponent({ name: 'Brand new', project });
  await refused(403, () => sync.jira.projectComponents.createComponent({ name: 'Newer', project }));
});
await check('and so are the options of a custom field', async () => {
  const fields = await sync.jira.issueFields.getFields();
  const fieldId = fields.find(f => f.schema?.custom?.endsWith(':select')).id;
  const { values: contexts } = await admin.jira.issueCustomFieldContexts.getContextsForField({ fieldId });
  const contextId = Number(contexts[0].id);
  const { options } = await admin.jira.issueCustomFieldOptions.createCustomFieldOption({ fieldId, contextId, options: [{ value: 'Brand new', disabled: false }] });
  const { values } = await admin.jira.issueCustomFieldOptions.getOptionsForContext({ fieldId, contextId });
  must(values.some(o => o.id === options[0].id && o.value === 'Brand new'), words(values));
  await refused(403, () => sync.jira.issueCustomFieldContexts.getContextsForField({ fieldId }));
  await sync.jira.issues.editIssue({ issueIdOrKey, fields: { [fieldId]: { value: 'Brand new' } } });
});
await check('the Assets workspace', async () => {
  const { values } = await sync.desk.assets.getAssetsWorkspaces({});
  must(values[0].workspaceId, words(values));
});

await report();
