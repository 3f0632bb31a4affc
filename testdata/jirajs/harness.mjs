// What the checks against a running simulated tenant share. The arguments of the script that imports it:
//
//   URL PROJECT ACCOUNTS   ACCOUNTS: JSON list of {email, token, role, accountId}

import { createCloudClient, createServiceDeskClient, isSchemaMismatchError, isApiError } from 'jira.js';

export const [host, project, accountsText] = process.argv.slice(2);
const accounts = JSON.parse(accountsText);
const account = role => {
  const found = accounts.find(a => a.role === role);
  if (!found) throw new Error(`no account with the role ${role}`);
  return found;
};
export const config = who => ({ host, auth: { type: 'basic', email: who.email, apiToken: who.token }, onSchemaMismatch: 'throw' });
export const as = role => {
  const who = account(role);
  return { who, jira: createCloudClient(config(who)), desk: createServiceDeskClient(config(who)) };
};

const checks = [];

function describe(err) {
  if (isSchemaMismatchError(err)) {
    const report = err.report ?? err;
    return `${report.endpoint}: ${JSON.stringify(report.issues)}`;
  }
  return String(err?.message ?? err).slice(0, 1500);
}

// check runs one step; the value of a failed one is undefined, and later steps that need it fail in their turn.
export async function check(what, step) {
  try {
    const value = await step();
    checks.push({ what, ok: true });
    return value;
  } catch (err) {
    checks.push({ what, ok: false, detail: describe(err) });
    return undefined;
  }
}

export function must(holds, why) {
  if (!holds) throw new Error(why);
}

export async function refused(status, step) {
  try {
    await step();
  } catch (err) {
    must(isApiError(err) && err.status === status, `wanted status ${status}, got ${describe(err)}`);
    return err;
  }
  throw new Error(`wanted status ${status}, but it went through`);
}

export const doc = (...paragraphs) => ({
  version: 1,
  type: 'doc',
  content: paragraphs.map(text => ({ type: 'paragraph', content: [{ type: 'text', text }] })),
});
export const words = body => JSON.stringify(body);

// report prints the one JSON document {ok, passed, checks:[{what, ok, detail?}]}. Under AUDIT_SCHEMAS=true jira.js also
// notes what it does not know: nothing may be left but what live sites send too.
const known = new Set(['isLooped']); // of a transition: Atlassian's documentation names it, jira.js's model says looped

export async function report() {
  await check('no answer holds more than jira.js knows', () => {
    const drift = globalThis[Symbol.for('apis-code-gen.schemaAudit')] ?? [];
    const odd = drift.filter(d => d.kind !== 'keys' || d.keys.some(k => !known.has(k)));
    must(odd.length === 0, JSON.stringify(odd.slice(0, 10)));
  });
  const ok = checks.every(c => c.ok);
  console.log(JSON.stringify({ ok, passed: checks.filter(c => c.ok).length, checks }, null, 1));
  process.exitCode = ok ? 0 : 1;
}
