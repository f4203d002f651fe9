// One exchange of JSON, and the one kind of failure that comes of it.

/** How long an answer may take, in milliseconds, before its server counts as away. */
const patience = 20_000;

/**
 * A failure that is worth telling a person.
 *   code        the "error" member of the answer, or "unreachable"
 *   status      the HTTP status, 0 without an answer
 *   field       the name of the form's field that it is about, or ""
 *   retryAfter  seconds to wait before it makes sense to try again, or 0
 *   origin      who did not answer, if nobody did
 */
export class Problem extends Error {
  constructor(code, message, { status = 0, field = '', retryAfter = 0, origin = '', cause } = {}) {
    super(message, { cause });
    Object.assign(this, { name: 'Problem', code, status, field, retryAfter, origin });
  }
}

/**
 * Sends a request and returns the JSON of its answer, or undefined where it
 * has none. Whatever is not a success is thrown as a Problem.
 */
export async function exchange(url, { token, body, ...init } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers['Content-Type'] = 'application/json';
  let response, text;
  try {
    response = await fetch(url, {
      credentials: 'omit', cache: 'no-store', redirect: 'error', ...init,
      headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(patience),
    });
    text = await response.text();
  } catch (cause) {
    const { origin, host } = new URL(url, location);
    throw new Problem('unreachable', `${host} cannot be reached. Try again in a moment.`, { origin, cause });
  }
  const answer = parse(text);
  if (!response.ok) throw problemOf(response, answer ?? {});
  return answer;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // an answer without a body, or of something that is no API
  }
}

function problemOf(response, { error = '', error_description: description = '' }) {
  const { status } = response;
  const retryAfter = Number(response.headers.get('Retry-After')) || 0;
  // A field's problem reads "name: what is wrong with it".
  const [, field = '', problem = ''] = (status === 400 && /^(\w+): (?:it )?(.+)$/.exec(description)) || [];
  const message = problem || description || `The server answered ${status}.`;
  return new Problem(error, message, { status, field, retryAfter });
}
