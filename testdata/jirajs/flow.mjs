// One ticket from north to south, seen by an independent client.
//
//   node flow.mjs NORTH_URL SOUTH_URL NORTH_PROJECT SOUTH_PROJECT NORTH_ACCOUNTS SOUTH_ACCOUNTS LABEL [SECONDS]
//
// ACCOUNTS: the JSON list that `parley sim` prints. Creates a request in north with LABEL, a public comment and an
// internal note, waits until south has it (at most SECONDS, 60 where not given), and checks that the comment came
// and the note did not (who sees the comment there is for south's rules and policy to say). Prints one JSON document {ok, north, south, waited_ms, checks:[{what, ok, detail?}]}.

import { createCloudClient, createServiceDeskClient } from 'jira.js';
import { setTimeout as pause } from 'node:timers/promises';

const [northURL, southURL, northProject, southProject, northAccounts, southAccounts, label, seconds = '60'] = process.argv.slice(2);
const client = (host, accounts, ...roles) => {
  const list = JSON.parse(accounts);
  const who = roles.map(role => list.find(a => a.role === role)).find(Boolean) ?? list[0];
  const config = { host, auth: { type: 'basic', email: who.email, apiToken: who.token }, onSchemaMismatch: 'throw' };
  return { jira: createCloudClient(config), desk: createServiceDeskClient(config) };
};
const doc = text => ({ version: 1, type: 'doc', content: [{ type: 'paragraph', content: [{ type: 'text', text }] }] });

// People act as an agent: what the sync account writes itself may count as parley's own.
const north = client(northURL, northAccounts, 'human', 'agent');
const south = client(southURL, southAccounts, 'human', 'agent');
const nonce = `flow-${Date.now().toString(36)}`;
const out = { ok: false, north: '', south: '', waited_ms: 0, checks: [] };
const check = (what, ok, detail) => out.checks.push(ok ? { what, ok } : { what, ok, detail });

async function create() {
  const { values: desks } = await north.desk.servicedesk.getServiceDesks({});
  const desk = desks.find(d => d.projectKey === northProject);
  if (!desk) throw new Error(`north has no desk of ${northProject}`);
  const serviceDeskId = String(desk.id);
  const { values: types } = await north.desk.servicedesk.getRequestTypes({ serviceDeskId });
  for (const rt of types) {
    const { requestTypeFields } = await north.desk.servicedesk.getRequestTypeFields({ serviceDeskId, requestTypeId: Number(rt.id) });
    if (requestTypeFields.some(f => f.required && !['summary', 'description'].includes(f.fieldId))) continue;
    const values = { summary: `Flow ${nonce}` };
    if (requestTypeFields.some(f => f.fieldId === 'description')) values.description = 'Made by an independent client.';
    const rq = await north.desk.request.createCustomerRequest({ serviceDeskId, requestTypeId: String(rt.id), requestFieldValues: values });
    return rq.issueKey;
  }
  throw new Error('no request type that asks for a summary and a description only');
}

// twin looks for the ticket by its unique summary; the index may lag, so a miss means nothing.
async function twin() {
  const { issues } = await south.jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({
    jql: `project = ${southProject} AND summary ~ "${nonce}"`, maxResults: 10, fields: ['summary'] });
  return issues.find(i => i.fields.summary.includes(nonce))?.key;
}

async function commentsOf(issueIdOrKey) {
  const { comments } = await south.jira.issueComments.getComments({ issueIdOrKey, maxResults: 100 });
  return comments;
}

try {
  out.north = await create();
  await north.jira.issueComments.addComment({ issueIdOrKey: out.north, body: doc(`Public ${nonce}`) });
  await north.jira.issueComments.addComment({ issueIdOrKey: out.north, body: doc(`Internal ${nonce}`),
    properties: [{ key: 'sd.public.comment', value: { internal: true } }] });
  await north.jira.issues.editIssue({ issueIdOrKey: out.north, update: { labels: [{ add: label }] } });

  const began = Date.now();
  const until = began + Number(seconds) * 1000;
  let comments = [];
  while (Date.now() < until) {
    out.south ||= (await twin()) ?? '';
    if (out.south) comments = await commentsOf(out.south);
    if (JSON.stringify(comments).includes(`Public ${nonce}`)) break;
    await pause(250);
  }
  out.waited_ms = Date.now() - began;
  const text = JSON.stringify(comments);
  check('the ticket is in south', out.south !== '', `not within ${seconds} s`);
  check('its public comment is there', text.includes(`Public ${nonce}`), text.slice(0, 500));
  if (out.south) {
    await pause(1000);
    const later = JSON.stringify(await commentsOf(out.south));
    check('its internal note is not', !later.includes(`Internal ${nonce}`), later.slice(0, 500));
  }
} catch (err) {
  check('no call fails', false, String(err?.message ?? err).slice(0, 1000));
}
out.ok = out.checks.length > 0 && out.checks.every(c => c.ok);
console.log(JSON.stringify(out, null, 1));
process.exitCode = out.ok ? 0 : 1;
